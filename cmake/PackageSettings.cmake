# By CPack for each package, before it is made. Another version than the project's, where the environment says
# one: the tests upgrade from one to the other; the tools in both are the same.
if(DEFINED ENV{PAYSTATS_PACKAGE_VERSION})
  set(CPACK_PACKAGE_VERSION $ENV{PAYSTATS_PACKAGE_VERSION})
endif()

# In a cross build dpkg-shlibdeps is told the architecture. CPack lets it be silent of what it does not find.
if(CPACK_PAYSTATS_SYSROOT)
  if(NOT CPACK_DEBIAN_PACKAGE_ARCHITECTURE OR NOT EXISTS ${CPACK_PAYSTATS_SYSROOT}/DEBIAN/symbols)
    message(FATAL_ERROR "A package of a cross build needs CPACK_DEBIAN_PACKAGE_ARCHITECTURE, and the symbols files "
      "of its libraries in ${CPACK_PAYSTATS_SYSROOT}/DEBIAN (see scripts/build-arm64)")
  endif()
  set(ENV{DEB_HOST_ARCH} ${CPACK_DEBIAN_PACKAGE_ARCHITECTURE})
endif()
