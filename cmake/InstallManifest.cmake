# CMake notes down in ${build} what it has installed, in a file for each component. As root in a folder that is
# somebody else's, who has built there, that file is theirs: else they could install and pack nothing afterwards.
set(manifest ${build}/install_manifest.txt)
if(CMAKE_INSTALL_COMPONENT)
  set(manifest ${build}/install_manifest_${CMAKE_INSTALL_COMPONENT}.txt)
endif()
# Written later, which leaves a file its owner.
execute_process(COMMAND sh -c [=[
  [ "$(id -u)" -ne 0 ] || { touch "$1" && chown --no-dereference --reference="$2" "$1"; }]=] sh ${manifest} ${build}
  COMMAND_ERROR_IS_FATAL ANY)
