# The page: www/ and the distribution's jQuery, put together in ${CMAKE_BINARY_DIR}/www, from where
# paystats-serve and the tests take it. Install.cmake installs it: page_files, and page_jquery.
set(page_folder ${CMAKE_BINARY_DIR}/www)
file(GLOB page_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/www/*)
set(page_files "")
foreach(source IN LISTS page_sources ITEMS ${JQUERY_MIN_JS})
  get_filename_component(name ${source} NAME)
  if(name MATCHES "\\.min\\.|\\.svg$")
    set(copy -E copy ${source} ${page_folder}/${name})
  else()
    set(copy -D FROM=${source} -D TO=${page_folder}/${name} -P ${PROJECT_SOURCE_DIR}/cmake/StripComments.cmake)
  endif()
  add_custom_command(OUTPUT ${page_folder}/${name} COMMAND ${CMAKE_COMMAND} ${copy}
    DEPENDS ${source} ${PROJECT_SOURCE_DIR}/cmake/StripComments.cmake VERBATIM)
  list(APPEND page_files ${page_folder}/${name})
endforeach()
add_custom_target(page ALL DEPENDS ${page_files})
list(POP_BACK page_files page_jquery)
