# Writes what CMake knows about the extension to <build folder>/<project>.s4ext, as Slicer does when it packages one.

foreach(name HOMEPAGE CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  if("${EXTENSION_${name}}" STREQUAL "")
    message(FATAL_ERROR "EXTENSION_${name} is not set")
  endif()
endforeach()

set(_description "")
foreach(key depends build_subdirectory homepage contributors category iconurl status description screenshoturls keywords)
  string(TOUPPER "${key}" _name)
  string(APPEND _description "${key} ${EXTENSION_${_name}}\n")
endforeach()
file(WRITE "${CMAKE_BINARY_DIR}/${PROJECT_NAME}.s4ext" "${_description}")
