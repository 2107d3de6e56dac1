# What `make install` installs under its prefix, and Package.cmake packs with the prefix /usr: one list. Only
# what Debian alone wants (the component debian, by Package.cmake) and jQuery's own copy (the component
# jquery, by Page.cmake) are in one of them and not in the other. Completions.cmake adds its own.
include(GNUInstallDirs)
# `ninja install` and CPack install what is there: `make install` and `make deb` build it first.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
install(CODE "
  set(build \"${PROJECT_BINARY_DIR}\")
  include(\"${CMAKE_CURRENT_LIST_DIR}/InstallManifest.cmake\")" ALL_COMPONENTS)

install(TARGETS ${PAYSTATS_TOOLS} RUNTIME)
install(FILES ${page_files} DESTINATION ${CMAKE_INSTALL_DATADIR}/paystats/www)
install(FILES ${page_jquery} DESTINATION ${CMAKE_INSTALL_DATADIR}/paystats/www COMPONENT jquery)
install(FILES ${PROJECT_SOURCE_DIR}/deploy/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(CODE "
  set(sysroot \"${CMAKE_SYSROOT}\")
  set(folder \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATAROOTDIR}/doc/paystats/notices\")
  include(\"${CMAKE_CURRENT_LIST_DIR}/InstallNotices.cmake\")")
install(PROGRAMS ${PROJECT_SOURCE_DIR}/deploy/systemd/nightly DESTINATION ${CMAKE_INSTALL_DATADIR}/paystats)
include(${CMAKE_CURRENT_LIST_DIR}/InstallDocuments.cmake)
# compressed(FILE NAME DESTINATION)  installs FILE as NAME.gz, the same bytes at any time.
find_program(GZIP gzip REQUIRED)
set(compressed_files "")
macro(compressed file name destination)
  set(there ${PROJECT_BINARY_DIR}/compressed/${name}.gz)
  add_custom_command(OUTPUT ${there}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/compressed
    COMMAND ${GZIP} -9nc ${file} > ${there} DEPENDS ${file} VERBATIM)
  list(APPEND compressed_files ${there})
  install(FILES ${there} DESTINATION ${destination})
endmacro()
foreach(section IN ITEMS 1 5 7)
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.${section})
  foreach(page IN LISTS pages)
    get_filename_component(name ${page} NAME)
    compressed(${page} ${name} ${CMAKE_INSTALL_MANDIR}/man${section})
    list(APPEND manual ${CMAKE_INSTALL_MANDIR}/man${section}/${name}.gz)
  endforeach()
endforeach()
compressed(${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog ${CMAKE_INSTALL_DOCDIR})
add_custom_target(compressed ALL DEPENDS ${compressed_files})

# What is installed and packed, without the tests.
add_custom_target(to_install)
add_dependencies(to_install ${PAYSTATS_TOOLS} page compressed)
if(TARGET completions)
  add_dependencies(to_install completions)
endif()

install(CODE "
  set(sysconfdir \"${CMAKE_INSTALL_SYSCONFDIR}\")
  include(\"${CMAKE_CURRENT_LIST_DIR}/InstallUnits.cmake\")
  set(documents \"${documents}\")
  set(pages \"${manual}\")
  set(gzip \"${GZIP}\")
  include(\"${CMAKE_CURRENT_LIST_DIR}/InstallNames.cmake\")")
