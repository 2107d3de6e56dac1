# Units, settings and documents are written for /usr and /etc. Sets ${etc}, where the settings are of what is being
# installed: those of the system, but below a prefix where systemd does not look: there PREFIX/etc, or what
# -DCMAKE_INSTALL_SYSCONFDIR=/etc says (${sysconfdir}).
if(IS_ABSOLUTE "${sysconfdir}")
  set(etc ${sysconfdir})
elseif(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?/?$")
  set(etc /etc)
else()
  set(etc ${CMAKE_INSTALL_PREFIX}/etc)
endif()

# name_what_is_installed(VARIABLE): the text in it names what was installed below this prefix, and its settings.
function(name_what_is_installed variable)
  set(text "${${variable}}")
  string(REGEX REPLACE "/usr/(bin/pay|share/(doc/)?paystats)" "${CMAKE_INSTALL_PREFIX}/\\1" text "${text}")
  string(REPLACE "/etc/default/paystats" "${etc}/default/paystats" text "${text}")
  set(${variable} "${text}" PARENT_SCOPE)
endfunction()
