# rolesync_add_plugin(target KIND role|detector|deployer|restart_strategy ID id SOURCES a.cpp ...
#                     [LINK target ...] [DIRECTORY where])
# A shared library that exports exactly one symbol, binds everything at load time, and can be
# unloaded and replaced: <build>/plugins/<kind>/<id>.so.
function(rolesync_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "KIND;ID;DIRECTORY" "SOURCES;LINK")
  if(NOT arg_KIND MATCHES "^(role|detector|deployer|restart_strategy)$")
    message(FATAL_ERROR "rolesync_add_plugin(${name}): KIND must be role, detector, deployer or "
      "restart_strategy, not \"${arg_KIND}\"")
  endif()
  if(NOT arg_ID MATCHES "^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$")
    message(FATAL_ERROR "rolesync_add_plugin(${name}): \"${arg_ID}\" is not a plugin id")
  endif()
  if(NOT arg_DIRECTORY)
    set(arg_DIRECTORY ${PROJECT_BINARY_DIR}/plugins/${arg_KIND})
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
  target_link_options(${name} PRIVATE -Wl,--version-script=${map} -Wl,-z,now
    -Wl,--gc-sections)
  if(NOT ROLESYNC_SANITIZE)  # a sanitized library finds its runtime in the program
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
