# Installs into ${folder} what the licences ask for of libraries whose code is in the tools or in the page: what
# their packages say (scripts/setup --notices), in this system or in ${sysroot}, and the texts that they refer
# to. Without them, as on another Linux, the tools are installed all the same, for whoever built them; with
# PAYSTATS_NOTICES=required in the environment, as for a package, that is an error.
set(missing STATUS)
if("$ENV{PAYSTATS_NOTICES}" STREQUAL "required")
  set(missing FATAL_ERROR)
endif()
execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/../scripts/setup --notices
  OUTPUT_VARIABLE packages OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" packages "${packages}")

set(licences "")
foreach(package IN LISTS packages)
  set(notice ${sysroot}/usr/share/doc/${package}/copyright)
  if(EXISTS ${notice})
    # A copy, where it is a link to another package's, or to a version.
    file(REAL_PATH ${notice} text)
    file(INSTALL ${text} DESTINATION ${folder} TYPE FILE RENAME ${package})
    file(STRINGS ${notice} lines REGEX "/usr/share/common-licenses/")
    string(REGEX MATCHALL "/usr/share/common-licenses/[A-Za-z0-9.+-]*[A-Za-z0-9]" named "${lines}")
    list(APPEND licences ${named})
  else()
    message(${missing} "${notice} is missing: the notice of what is compiled in")
  endif()
endforeach()
list(REMOVE_DUPLICATES licences)
foreach(licence IN LISTS licences)
  if(EXISTS ${licence})
    get_filename_component(name ${licence} NAME)
    file(REAL_PATH ${licence} text)
    file(INSTALL ${text} DESTINATION ${folder}/licenses TYPE FILE RENAME ${name})
  else()
    message(${missing} "${licence} is missing: a text that a notice refers to")
  endif()
endforeach()
