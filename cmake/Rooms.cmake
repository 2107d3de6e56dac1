# room(NAME [USES room...] [LIBRARIES target...] [PRECOMPILED kind])
#     one static library room_NAME from lib/NAME/*.cc: a tool may have the name of a room
# tool(NAME [USES room...] [LIBRARIES target...])  one program from tools/NAME.cc
# embed(NAME FILE VARIABLE HEADER)                 lib/NAME/FILE as a string_view that HEADER declares
#
# A room sees the public headers of the rooms that it names in USES, and third-party libraries in
# LIBRARIES stay its own: they reach the linker of those above, not their include path.

include(${CMAKE_CURRENT_LIST_DIR}/Precompiled.cmake)

add_library(paystats_flags INTERFACE)
target_compile_options(paystats_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror
  -fno-strict-aliasing -fstack-protector-strong
  -ffile-prefix-map=${PROJECT_BINARY_DIR}/= -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)  # the same bytes in any folder
# g++ 12 sees these in std::string's own code, where they are not; AddressSanitizer looks for the
# real ones. (The first is for clang-tidy, which reads this command and does not know all of them.)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(paystats_flags INTERFACE
    -Wno-unknown-warning-option -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
endif()
if(CMAKE_SYSROOT)
  target_compile_options(paystats_flags INTERFACE -ffile-prefix-map=${CMAKE_SYSROOT}/=/)
endif()
target_compile_definitions(paystats_flags INTERFACE PAYSTATS_VERSION="${PROJECT_VERSION}")
target_include_directories(paystats_flags INTERFACE ${PROJECT_SOURCE_DIR}/lib)
if(PAYSTATS_SANITIZE)
  target_compile_options(paystats_flags INTERFACE
    -fsanitize=${PAYSTATS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -UNDEBUG)
  target_link_options(paystats_flags INTERFACE -fsanitize=${PAYSTATS_SANITIZE})
  # xxHash insists on being inlined everywhere (always_inline), which g++ 14 with -Og and
  # AddressSanitizer cannot do, and takes for an error. Here plain `inline` is fast enough.
  target_compile_definitions(paystats_flags INTERFACE XXH_NO_INLINE_HINTS=1)
endif()

set(PAYSTATS_ROOMS "")
set(PAYSTATS_TOOLS "")

# in_rooms(OUT room...)  the targets of these rooms
function(in_rooms out)
  list(TRANSFORM ARGN PREPEND room_)
  set(${out} ${ARGN} PARENT_SCOPE)
endfunction()

function(room name)
  cmake_parse_arguments(ARG "" "PRECOMPILED" "USES;LIBRARIES" ${ARGN})
  set(target room_${name})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lib/${name}/*.cc)
  if(sources)
    add_library(${target} STATIC ${sources})
    target_compile_options(${target} PRIVATE -Wconversion)
    if(NOT ARG_PRECOMPILED)
      set(ARG_PRECOMPILED room)
    endif()
    precompile(${target} ${ARG_PRECOMPILED})
    set(reach PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(reach INTERFACE)
  endif()
  in_rooms(uses ${ARG_USES})
  target_link_libraries(${target} ${reach} paystats_flags ${uses} ${ARG_LIBRARIES})
  set(PAYSTATS_ROOMS ${PAYSTATS_ROOMS} ${name} PARENT_SCOPE)
endfunction()

function(tool name)
  cmake_parse_arguments(ARG "" "" "USES;LIBRARIES" ${ARGN})
  if(NOT EXISTS ${PROJECT_SOURCE_DIR}/tools/${name}.cc)
    return()
  endif()
  add_executable(${name} ${PROJECT_SOURCE_DIR}/tools/${name}.cc)
  in_rooms(uses ${ARG_USES})
  target_link_libraries(${name} PRIVATE ${uses} ${ARG_LIBRARIES})
  target_compile_options(${name} PRIVATE -Wconversion)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  set(PAYSTATS_TOOLS ${PAYSTATS_TOOLS} ${name} PARENT_SCOPE)
endfunction()

function(embed name file variable header)
  set(path ${PROJECT_SOURCE_DIR}/lib/${name}/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  file(READ ${path} text)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/embedded/${variable}.cc @ONLY CONTENT
"#include \"${header}\"

namespace paystats::${name} {
const std::string_view ${variable} = R\"embedded(@text@)embedded\";
}
")
  target_sources(room_${name} PRIVATE ${PROJECT_BINARY_DIR}/embedded/${variable}.cc)
endfunction()
