# Language level, warnings, sanitizers, and where the results go.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

find_program(ROLESYNC_CCACHE ccache)
if(ROLESYNC_CCACHE)
  # Paths are cached relative to the tree, so every clone on a machine is served.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    ${ROLESYNC_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Werror=return-type -Werror=switch $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>
  -Wno-missing-field-initializers)  # designated initialisers name what matters

set(ROLESYNC_SANITIZE "" CACHE STRING "Value for -fsanitize=, for example address,undefined")
if(ROLESYNC_SANITIZE)
  add_compile_options(-fsanitize=${ROLESYNC_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ROLESYNC_SANITIZE})
endif()
