# The three kinds of target this project has. Sources are listed explicitly, relative to the caller.

# rolesync_library(NAME SOURCES a.cpp ... LINK target ...): a static library; everything outside
# sdk/ is included from the repository root, for example "host/plugin/registry.hpp".
function(rolesync_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK;PRIVATE_LINK")
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE ${arg_PRIVATE_LINK})
endfunction()

# rolesync_program(NAME SOURCES main.cpp LINK target ...): an executable in build/bin.
function(rolesync_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
endfunction()

# All programs of the label unit, so that a sanitizer build need not make everything else.
add_custom_target(unit_tests)
# And of the label sanitized: longer ones, for the sanitizers of `script/test long`.
add_custom_target(sanitized_tests)

# rolesync_test(NAME LABEL unit SOURCES a_test.cpp ... LINK target ... [TIMEOUT seconds] [SERIAL]):
# a GoogleTest program in build/tests; each of its cases is one ctest test with that label.
function(rolesync_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "LABEL;TIMEOUT" "SOURCES;LINK;DEPENDS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_LINK} test_place GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()
  if(arg_LABEL STREQUAL "unit")
    add_dependencies(unit_tests ${name})
  elseif(arg_LABEL STREQUAL "sanitized")
    add_dependencies(sanitized_tests ${name})
  endif()
  set(serial "")
  if(arg_SERIAL)
    set(serial RUN_SERIAL TRUE)
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} ${serial})
endfunction()
