# A package of Debian, by CPack: `make deb` calls scripts/package, which says what time it is for the files
# in it (SOURCE_DATE_EPOCH). One package is for one release: each has other versions of the libraries.
#
# What the package has beside what Install.cmake installs: a link to the distribution's jQuery in place
# of a copy, and Debian's own changelog.

# The revision has the release: ~deb12 is older than ~deb13, so that an upgrade of the system takes
# the package of the newer one, and both are older than 1, which a distribution's own would have.
set(PAYSTATS_DEBIAN_REVISION 1)
set(PAYSTATS_DEBIAN_SUITE unstable)
if(EXISTS /etc/os-release)
  file(STRINGS /etc/os-release lines REGEX "^(ID|VERSION_ID|VERSION_CODENAME)=")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^([A-Z_]+)=\"?([^\"]*)" line "${line}")
    set(os_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
  endforeach()
  if(os_ID STREQUAL "debian" AND os_VERSION_ID)
    string(APPEND PAYSTATS_DEBIAN_REVISION "~deb${os_VERSION_ID}")
  elseif(os_VERSION_ID)
    string(APPEND PAYSTATS_DEBIAN_REVISION "~${os_ID}${os_VERSION_ID}")
  endif()
  if(os_VERSION_CODENAME)
    set(PAYSTATS_DEBIAN_SUITE ${os_VERSION_CODENAME})
  endif()
endif()

# Nobody's address: the project has none. Who distributes packages sets their own.
set(PAYSTATS_MAINTAINER "The paystats authors <paystats@example.org>" CACHE STRING
  "Maintainer of the package, as Debian writes it: Name <address>")

set(debian_folder ${PROJECT_SOURCE_DIR}/deploy/debian)
install(CODE "
  set(version ${PROJECT_VERSION})
  set(revision ${PAYSTATS_DEBIAN_REVISION})
  set(suite ${PAYSTATS_DEBIAN_SUITE})
  set(maintainer [==[${PAYSTATS_MAINTAINER}]==])
  set(gzip ${GZIP})
  include(${CMAKE_CURRENT_LIST_DIR}/PackageFiles.cmake)
" COMPONENT debian EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/PackageSettings.cmake)
# Everything but jQuery's copy, into /usr and /etc.
set(CPACK_INSTALL_CMAKE_PROJECTS
  "${PROJECT_BINARY_DIR};${PROJECT_NAME};Unspecified;/;${PROJECT_BINARY_DIR};${PROJECT_NAME};debian;/")
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/package)
set(CPACK_PACKAGE_NAME paystats)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "${PAYSTATS_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "exact sums of payments per user")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${PAYSTATS_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Four small tools that read and write JSON lines sum payments per user, to the
last digit: paygen makes payments, payagg sums them, paystats-cache holds the
totals in order, and paystats-serve is a page, a REST API and a live stream.
.
Payments lie in a durable log, or in topics of Kafka, where totals are exactly
once. Units of systemd for a pipeline on one machine are included; nothing is
started before it is enabled (systemctl enable --now paystats.target).")
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${PAYSTATS_DEBIAN_REVISION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# In a cross build CPACK_DEBIAN_PACKAGE_ARCHITECTURE is in the toolchain file, and the libraries are in the
# sysroot. What their packages say of them is in its folder DEBIAN (scripts/build-arm64): dpkg-shlibdeps looks
# there for a library that no package of this machine has.
set(CPACK_PAYSTATS_MACHINE ${CMAKE_SYSTEM_PROCESSOR})
if(CMAKE_SYSROOT)
  set(CPACK_PAYSTATS_SYSROOT ${CMAKE_SYSROOT})
  foreach(folder IN ITEMS lib usr/lib)
    foreach(path IN ITEMS ${CMAKE_SYSROOT}/${folder}/${CMAKE_LIBRARY_ARCHITECTURE} ${CMAKE_SYSROOT}/${folder})
      if(IS_DIRECTORY ${path})
        list(APPEND CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${path})
      endif()
    endforeach()
  endforeach()
endif()
# The smaller one where there is no systemd, as in a container: systemd provides the other.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libjs-jquery, systemd-standalone-sysusers | systemd-sysusers")
# What examples of the documents are typed with.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "curl, jq, kcat")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# lintian(1) has nothing to say (tests/deploy/package.bats), so there are no overrides of its tags.
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${debian_folder}/postinst ${debian_folder}/prerm ${debian_folder}/postrm ${debian_folder}/conffiles)
include(CPack)
