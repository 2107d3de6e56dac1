# Copies a file of the page without the comments that have lines of their own: a browser, on a phone
# say, does not load what only a reader of the source needs.
#
#   cmake -D FROM=www/app.js -D TO=build/www/app.js -P StripComments.cmake
file(READ ${FROM} text)
if(FROM MATCHES "\\.js$")
  string(REGEX REPLACE "(^|\n)([ \t]*//[^\n]*\n)+" "\\1" text "${text}")
elseif(FROM MATCHES "\\.css$")
  string(REGEX REPLACE "[ \t]*/\\*[^*]*\\*+([^/*][^*]*\\*+)*/[ \t]*\n?" "" text "${text}")
elseif(FROM MATCHES "\\.html$")
  string(REGEX REPLACE "[ \t]*<!--([^-]|-[^-])*-->[ \t]*\n?" "" text "${text}")
endif()
file(WRITE ${TO} "${text}")
