# By CPack for each package: another version than the project's, where the environment says one. The
# tests upgrade from one to the other; the tools in both are the same.
if(DEFINED ENV{PAYSTATS_PACKAGE_VERSION})
  set(CPACK_PACKAGE_VERSION $ENV{PAYSTATS_PACKAGE_VERSION})
endif()
