# Installs pages of docs/ and deploy/ for whoever runs the tools, all in one folder, so links among them are changed;
# those to other pages of the sources become words. What is done by hand in the sources is left out. ${documents} are
# the names below the prefix of those that are about this installation, for InstallNames.cmake.
set(documents "")
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/documents)
# document(FILE NAME [WORD WITH]): FILE as NAME; names an example as it is installed, WITH in place of WORD.
function(document file name)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${file})
  file(READ ${PROJECT_SOURCE_DIR}/${file} text)
  if(ARGC EQUAL 4)
    string(REPLACE "${ARGV2}" "${ARGV3}" text "${text}")
  endif()
  string(REGEX REPLACE "By hand, in this folder.*(`make install` puts)" "\\1" text "${text}")
  string(REGEX REPLACE "\\]\\([./]*deploy/(systemd|nginx)/README\\.md" "](\\1.md" text "${text}")
  string(REGEX REPLACE "\\]\\([./]*docs/(operate|kubernetes|three-pis)\\.md" "](\\1.md" text "${text}")
  string(REGEX REPLACE "\\[([^]]*)\\]\\((\\.\\./|open-ends)[^)]*\\)" "\\1 of the sources" text "${text}")
  file(WRITE ${PROJECT_BINARY_DIR}/documents/${name} "${text}")
  install(FILES ${PROJECT_BINARY_DIR}/documents/${name} DESTINATION ${CMAKE_INSTALL_DOCDIR})
  set(documents ${documents} ${CMAKE_INSTALL_DOCDIR}/${name} PARENT_SCOPE)
endfunction()
document(docs/operate.md operate.md)
document(docs/kubernetes.md kubernetes.md)
document(docs/three-pis.md three-pis.md)
document(deploy/systemd/README.md systemd.md paystats.default examples/paystats.default)
document(deploy/nginx/README.md nginx.md paystats.conf examples/nginx.conf)
install(FILES ${PROJECT_SOURCE_DIR}/deploy/nginx/paystats.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
  RENAME nginx.conf)
# The settings as this version has them: to compare with the operator's own, and to begin with after a tarball.
install(FILES ${PROJECT_SOURCE_DIR}/deploy/systemd/paystats.default DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
list(REMOVE_ITEM documents ${CMAKE_INSTALL_DOCDIR}/three-pis.md)  # about machines that have the package
list(APPEND documents ${CMAKE_INSTALL_DOCDIR}/examples/nginx.conf ${CMAKE_INSTALL_DOCDIR}/examples/paystats.default)
