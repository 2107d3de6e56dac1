# What building needs, looked for here and nowhere else, without network and without root. What is
# missing is named all at once, with the packages of Debian and Ubuntu that have it: scripts/setup
# installs the same (and what the tests need when they run).

set(missing "")        # lines to show
set(missing_packages "")
set(missing_for_tests "")

# need(FOUND WHAT PACKAGE [TESTS])  WHAT is missing unless the variable FOUND is true; TESTS: only
#                                   the tests need it.
macro(need found what package)
  if(NOT ${found})
    string(APPEND missing "\n  ${what} (${package})")
    list(APPEND missing_packages ${package})
    if("${ARGN}" STREQUAL "TESTS")
      list(APPEND missing_for_tests "${what}")
    endif()
  endif()
endmacro()

# The compiler first, as a program: CMake itself would end here and name nothing else.
if(NOT DEFINED CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
  find_program(PAYSTATS_CXX NAMES c++ g++ clang++ DOC "Any C++ compiler: CMake takes its own choice")
else()
  set(PAYSTATS_CXX TRUE)
endif()
if(PAYSTATS_CXX)
  enable_language(CXX)
  find_package(Threads REQUIRED)
else()
  # What a compiler would have told: the folder of this machine's libraries.
  file(GLOB folder RELATIVE /usr/lib /usr/lib/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu)
  set(CMAKE_LIBRARY_ARCHITECTURE ${folder})
endif()
set(compiler_new_enough ${PAYSTATS_CXX})
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  set(compiler_new_enough FALSE)
endif()
need(compiler_new_enough "a compiler for C++20: g++ 12 or later" g++)

find_package(fmt QUIET)
need(fmt_FOUND "fmt" libfmt-dev)
find_package(tl-expected QUIET)
need(tl-expected_FOUND "tl::expected" libexpected-dev)
find_package(CLI11 QUIET)
need(CLI11_FOUND "CLI11" libcli11-dev)
find_package(ZLIB QUIET)
need(ZLIB_FOUND "zlib" zlib1g-dev)
find_package(nlohmann_json QUIET)
need(nlohmann_json_FOUND "nlohmann/json" nlohmann-json3-dev)

# Header-only here; libxxhash-dev has no CMake file.
find_path(XXHASH_INCLUDE_DIR xxhash.h)
need(XXHASH_INCLUDE_DIR "xxHash" libxxhash-dev)
add_library(xxhash_headers INTERFACE)
if(XXHASH_INCLUDE_DIR)
  target_include_directories(xxhash_headers SYSTEM INTERFACE ${XXHASH_INCLUDE_DIR})
endif()

# Boost's headers; what CMake has for them differs much from version to version.
find_path(BOOST_INCLUDE_DIR boost/version.hpp)
set(boost_new_enough FALSE)
if(BOOST_INCLUDE_DIR)
  file(STRINGS ${BOOST_INCLUDE_DIR}/boost/version.hpp line REGEX "^#define BOOST_VERSION [0-9]+")
  string(REGEX REPLACE ".* " "" version "${line}")
  if(version GREATER_EQUAL 108100)
    set(boost_new_enough TRUE)
    include_directories(SYSTEM ${BOOST_INCLUDE_DIR})
  endif()
endif()
set(boost_package libboost-dev)
if(EXISTS /etc/debian_version)
  file(STRINGS /etc/debian_version line LIMIT_COUNT 1)
  if(line MATCHES "^12")  # the default there is 1.74
    set(boost_package libboost1.81-dev)
  endif()
endif()
need(boost_new_enough "headers of Boost 1.81 or later" ${boost_package})

find_package(PkgConfig QUIET)
need(PkgConfig_FOUND "pkg-config" pkgconf)
if(PkgConfig_FOUND)
  pkg_check_modules(RDKAFKA QUIET IMPORTED_TARGET rdkafka>=2.0.2)
  pkg_check_modules(HWY QUIET IMPORTED_TARGET libhwy)
else()  # which libraries are to be installed beside it
  find_path(RDKAFKA_FOUND librdkafka/rdkafka.h NO_CACHE)
  find_path(HWY_FOUND hwy/highway.h NO_CACHE)
endif()
need(RDKAFKA_FOUND "librdkafka 2.0.2 or later" librdkafka-dev)
need(HWY_FOUND "Highway" libhwy-dev)

if(NOT PAYSTATS_SANITIZE)  # sanitizers bring an allocator of their own
  find_package(mimalloc QUIET)
  need(mimalloc_FOUND "mimalloc" libmimalloc-dev)
endif()

find_file(JQUERY_MIN_JS jquery.min.js
  PATHS /usr/share/javascript/jquery /usr/share/nodejs/jquery/dist NO_DEFAULT_PATH
  DOC "jQuery, minified (Debian, Ubuntu: libjs-jquery)")
need(JQUERY_MIN_JS "jQuery, minified (elsewhere: -DJQUERY_MIN_JS=FILE)" libjs-jquery)

if(BUILD_TESTING)
  if(PAYSTATS_CXX)
    find_package(GTest QUIET)
  else()  # its file for CMake asks the compiler about threads
    find_path(GTest_FOUND gtest/gtest.h NO_CACHE)
  endif()
  need(GTest_FOUND "GoogleTest" libgtest-dev TESTS)
  find_program(BATS bats)
  need(BATS "Bats" bats TESTS)
  find_package(Python3 QUIET COMPONENTS Interpreter)
  need(Python3_FOUND "Python 3" python3 TESTS)
endif()

if(missing)
  list(JOIN missing_packages " " words)
  set(text "Missing (in brackets: the package of Debian and Ubuntu):${missing}\n"
    "All of them, or by scripts/setup with what the tests need when they run:\n"
    "  apt-get install ${words}")
  if(missing_for_tests)
    list(JOIN missing_for_tests ", " words)
    list(APPEND text "\nOnly the tests need ${words}: -DBUILD_TESTING=OFF goes without.")
  endif()
  string(CONCAT text ${text})
  message(FATAL_ERROR "${text}")
endif()
