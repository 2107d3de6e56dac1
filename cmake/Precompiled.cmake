# precompile(TARGET KIND)  TARGET's files find the headers of PAYSTATS_PCH_<KIND> compiled once: the
#                          first target of a KIND compiles them, the others take what it has.
#
# Headers of the standard and of third parties only, such as most files of that KIND include anyway.
# A file still names what it uses: the linter compiles each without this. Targets of one KIND have
# the same flags but for warnings; a compiler that cannot use what it finds says so: an error here.
#
# g++ 12 for arm64 fails (an internal error) where Highway has a file compiled for SVE after that:
# the files with vectors go without.
option(PAYSTATS_PCH "Compile headers of third parties once for many files (scripts/build: ON)" OFF)

set(PAYSTATS_PCH_room <algorithm> <array> <charconv> <chrono> <functional> <memory> <optional>
  <string> <string_view> <unordered_map> <utility> <vector> <fmt/format.h> <tl/expected.hpp>)
set(PAYSTATS_PCH_test ${PAYSTATS_PCH_room}
  <filesystem> <fstream> <map> <random> <sstream> <thread> <gtest/gtest.h>)
set(PAYSTATS_PCH_loop ${PAYSTATS_PCH_room}
  ${PROJECT_SOURCE_DIR}/lib/loop/asio_headers.h
  <boost/asio/associated_executor.hpp> <boost/asio/async_result.hpp>
  <boost/asio/ip/tcp.hpp> <boost/asio/write.hpp>)

function(precompile target kind)
  if(NOT PAYSTATS_PCH)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    file(STRINGS ${source} vectors REGEX "hwy/foreach_target.h" LIMIT_COUNT 1)
    if(vectors)
      set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
  get_property(first GLOBAL PROPERTY PAYSTATS_PCH_FIRST_${kind})
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
  else()
    target_precompile_headers(${target} PRIVATE ${PAYSTATS_PCH_${kind}})
    set_property(GLOBAL PROPERTY PAYSTATS_PCH_FIRST_${kind} ${target})
  endif()
endfunction()
