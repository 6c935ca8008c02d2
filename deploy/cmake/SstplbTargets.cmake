# How every target of the project is built: warnings, sanitizers, ccache, and one helper per kind
# of target, so that a room's CMakeLists.txt holds only its files and what it may include.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)

find_program(SSTPLB_CCACHE ccache)
if(SSTPLB_CCACHE)
  # Paths below the source folder count as relative, so that every clone shares the cache; the
  # sloppiness lets it also keep files that are compiled with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND};-E;env;CCACHE_BASEDIR=${CMAKE_SOURCE_DIR};CCACHE_NOHASHDIR=1"
    "CCACHE_SLOPPINESS=pch_defines,time_macros;${SSTPLB_CCACHE}")
endif()

# libev ships no pkg-config file.
find_library(SSTPLB_EV_LIBRARY ev REQUIRED)
find_path(SSTPLB_EV_INCLUDE ev++.h REQUIRED)
add_library(sstplb_ev INTERFACE)
target_link_libraries(sstplb_ev INTERFACE "${SSTPLB_EV_LIBRARY}")
target_include_directories(sstplb_ev SYSTEM INTERFACE "${SSTPLB_EV_INCLUDE}")

add_library(sstplb_options INTERFACE)
target_include_directories(sstplb_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(sstplb_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Werror
  -Wno-missing-field-initializers  # designated initialisers leave the rest at its default
  -fstack-protector-strong)
target_compile_definitions(sstplb_options INTERFACE
  SSTPLB_VERSION="${PROJECT_VERSION}")
target_link_libraries(sstplb_options INTERFACE Threads::Threads)
if(SSTPLB_SANITIZE)
  target_compile_options(sstplb_options INTERFACE
    -fsanitize=${SSTPLB_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sstplb_options INTERFACE -fsanitize=${SSTPLB_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
  target_compile_definitions(sstplb_options INTERFACE _FORTIFY_SOURCE=2)
endif()
if(SSTPLB_FUZZ)
  target_compile_options(sstplb_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# sstplb_room(NAME SOURCES a.cc b.cc DEPS sstplb_base ... PRIVATE_DEPS OpenSSL::SSL ...)
function(sstplb_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC sstplb_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# sstplb_test(NAME SOURCES a_test.cc DEPS sstplb_tls ...): one GoogleTest binary, one ctest entry.
# Tests that read files find them under SSTPLB_TEST_VECTORS. The name that ctest shows ends in
# SSTPLB_TEST_SUFFIX, so that the same test of several builds can stand in one summary.
set(SSTPLB_TEST_SUFFIX "" CACHE STRING "Appended to the names of tests")
function(sstplb_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT TARGET sstplb_test_header)
    # GoogleTest's headers, compiled once for all tests.
    file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/sstplb_test_header.cc" CONTENT "")
    add_library(sstplb_test_header OBJECT "${CMAKE_BINARY_DIR}/sstplb_test_header.cc")
    target_link_libraries(sstplb_test_header PRIVATE sstplb_options GTest::gmock_main)
    target_precompile_headers(sstplb_test_header PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
    target_compile_options(sstplb_test_header PRIVATE
      $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)  # ccache asks for it
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE sstplb_options ${ARG_DEPS} GTest::gmock_main)
  target_compile_definitions(${name} PRIVATE
    SSTPLB_TEST_VECTORS="${CMAKE_SOURCE_DIR}/tests/vectors")
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
  target_precompile_headers(${name} REUSE_FROM sstplb_test_header)
  set(test "${name}${SSTPLB_TEST_SUFFIX}")
  add_test(NAME ${test} COMMAND ${name})
  set_tests_properties(${test} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "unit;${ARG_LABELS}")
endfunction()
