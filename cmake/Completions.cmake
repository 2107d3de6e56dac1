# Completions of the tools for bash, zsh and fish, in ${PROJECT_BINARY_DIR}/completions: each tool prints
# its own (--generate). In a cross build that is done by the tools of this machine, or by an emulator:
#   -DPAYSTATS_HOST_TOOLS=DIR            tools of the same source, built for this machine (build/release/bin)
#   -DCMAKE_CROSSCOMPILING_EMULATOR=...  what runs programs of the other one
# With neither, there are none. They are installed to where the shells look for them.
set(PAYSTATS_HOST_TOOLS "" CACHE PATH "In a cross build: the tools, built for this machine")

set(completions_folder ${PROJECT_BINARY_DIR}/completions)
set(completions "")
if(CMAKE_CROSSCOMPILING AND NOT PAYSTATS_HOST_TOOLS AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
  message(STATUS "A cross build without completions for shells: no program runs here "
    "(-DPAYSTATS_HOST_TOOLS=DIR with the tools for this machine, or CMAKE_CROSSCOMPILING_EMULATOR)")
else()
  foreach(tool IN LISTS PAYSTATS_TOOLS)
    set(program $<TARGET_FILE:${tool}>)
    set(made_by ${tool})
    if(CMAKE_CROSSCOMPILING AND PAYSTATS_HOST_TOOLS)
      set(program ${PAYSTATS_HOST_TOOLS}/${tool})
      set(made_by ${program})
      if(NOT EXISTS ${program})
        message(FATAL_ERROR "PAYSTATS_HOST_TOOLS: there is no ${program}")
      endif()
    elseif(CMAKE_CROSSCOMPILING)
      set(program ${CMAKE_CROSSCOMPILING_EMULATOR} ${program})
    endif()
    foreach(path IN ITEMS bash/${tool} zsh/_${tool} fish/${tool}.fish)
      get_filename_component(shell ${path} DIRECTORY)
      add_custom_command(OUTPUT ${completions_folder}/${path}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${completions_folder}/${shell}
        COMMAND ${program} --generate complete-${shell} > ${completions_folder}/${path}.new
        COMMAND ${CMAKE_COMMAND} -E rename ${completions_folder}/${path}.new ${completions_folder}/${path}
        DEPENDS ${made_by} VERBATIM)
      list(APPEND completions ${completions_folder}/${path})
    endforeach()
  endforeach()
  add_custom_target(completions ALL DEPENDS ${completions})

  install(DIRECTORY ${completions_folder}/bash/ DESTINATION share/bash-completion/completions)
  install(DIRECTORY ${completions_folder}/fish/ DESTINATION share/fish/vendor_completions.d)
  # Debian's zsh looks into another folder for what packages install below /usr. The prefix is known only
  # when it is installed; that of a package that is being made ends in /usr as well.
  install(CODE "
    set(folder site-functions)
    if(CMAKE_INSTALL_PREFIX MATCHES \"/usr$\")
      set(folder vendor-completions)
    endif()
    file(INSTALL \"${completions_folder}/zsh/\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/share/zsh/\${folder}\")")
endif()
