# By Package.cmake, when a package is made: the files that are in it and not under the prefix of `make
# install`. Times are SOURCE_DATE_EPOCH where that is set.
if(DEFINED ENV{PAYSTATS_PACKAGE_VERSION})
  set(version $ENV{PAYSTATS_PACKAGE_VERSION})
endif()
set(debian_folder ${CMAKE_CURRENT_LIST_DIR}/../deploy/debian)
set(share $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share)

string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(READ ${debian_folder}/changelog.in text)
string(CONFIGURE "${text}" text @ONLY)
file(INSTALL ${debian_folder}/changelog.in DESTINATION ${CMAKE_INSTALL_PREFIX}/share/doc/paystats TYPE FILE
  RENAME changelog.Debian)
file(WRITE ${share}/doc/paystats/changelog.Debian "${text}")
execute_process(COMMAND ${gzip} -9n ${share}/doc/paystats/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)

file(CREATE_LINK ../../javascript/jquery/jquery.min.js ${share}/paystats/www/jquery.min.js SYMBOLIC)
