# rolesync_add_plugin(target KIND role|detector|deployer|restart_strategy ID id SOURCES a.cpp ...
#                     [LINK target ...] [DIRECTORY where] [NO_CHECK])
# A shared library <id>.so that exports exactly one symbol, binds everything at load time, and can
# be unloaded and replaced. It appears in DIRECTORY, by default the project's build directory.
# Unless NO_CHECK is given, ctest runs `rolesync plugin check` on it as <target>.check.
function(rolesync_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NO_CHECK" "KIND;ID;DIRECTORY" "SOURCES;LINK")
  if(NOT arg_KIND MATCHES "^(role|detector|deployer|restart_strategy)$")
    message(FATAL_ERROR "rolesync_add_plugin(${name}): KIND must be role, detector, deployer or "
      "restart_strategy, not \"${arg_KIND}\"")
  endif()
  if(NOT arg_ID MATCHES "^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$")
    message(FATAL_ERROR "rolesync_add_plugin(${name}): \"${arg_ID}\" is not a plugin id: "
      "lower-case letters, digits, '-' and '_'")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "rolesync_add_plugin(${name}): no SOURCES")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "rolesync_add_plugin(${name}): unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_DIRECTORY AND ROLESYNC_PLUGIN_DIRECTORY)
    set(arg_DIRECTORY ${ROLESYNC_PLUGIN_DIRECTORY}/${arg_KIND})
  elseif(NOT arg_DIRECTORY)
    set(arg_DIRECTORY ${PROJECT_BINARY_DIR})
  endif()
  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/rolesync_plugin.map)
  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE RoleSync::sdk ${arg_LINK})
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so" OUTPUT_NAME ${arg_ID}
    LIBRARY_OUTPUT_DIRECTORY ${arg_DIRECTORY}
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${map})
  target_compile_features(${name} PRIVATE cxx_std_17)
  # GNU unique symbols would keep the old code mapped after dlclose.
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_link_options(${name} PRIVATE LINKER:--version-script=${map} LINKER:-z,now
    LINKER:--gc-sections)
  if(NOT ROLESYNC_SANITIZE)  # a sanitized library finds its runtime in the program
    target_link_options(${name} PRIVATE LINKER:-z,defs)
    if(NOT arg_NO_CHECK)
      set(labels "")
      if(ROLESYNC_PLUGIN_TEST_LABEL)
        set(labels LABELS ${ROLESYNC_PLUGIN_TEST_LABEL})
      endif()
      add_test(NAME ${name}.check COMMAND $<TARGET_FILE:RoleSync::rolesync> plugin check
        --only-failed $<TARGET_FILE:${name}>)
      set_tests_properties(${name}.check PROPERTIES TIMEOUT 300 ${labels})
    endif()
  endif()
  # A server refuses a plugin that others may write, which a umask of 002 would make.
  add_custom_command(TARGET ${name} POST_BUILD COMMAND chmod go-w $<TARGET_FILE:${name}> VERBATIM)
endfunction()

# rolesync_add_plugin_test(target PLUGIN plugin-target SOURCES a_test.cpp ... [LINK target ...])
# A GoogleTest program with the test kit; ROLESYNC_PLUGIN_FILE is the built plugin, to be loaded
# through its door: rolesync::testing::Plugin plugin(ROLESYNC_PLUGIN_FILE).
function(rolesync_add_plugin_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PLUGIN" "SOURCES;LINK")
  if(NOT TARGET "${arg_PLUGIN}")
    message(FATAL_ERROR "rolesync_add_plugin_test(${name}): PLUGIN must be a target made by "
      "rolesync_add_plugin(), not \"${arg_PLUGIN}\"")
  endif()
  find_package(GTest REQUIRED)
  include(GoogleTest)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE RoleSync::sdk_testing GTest::gmock GTest::gtest_main
    ${arg_LINK})
  target_compile_features(${name} PRIVATE cxx_std_17)
  target_compile_definitions(${name} PRIVATE
    ROLESYNC_PLUGIN_FILE="$<TARGET_FILE:${arg_PLUGIN}>")
  add_dependencies(${name} ${arg_PLUGIN})
  set(labels "")
  if(ROLESYNC_PLUGIN_TEST_LABEL)
    set(labels LABELS ${ROLESYNC_PLUGIN_TEST_LABEL})
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT 60 ${labels})
endfunction()
