# Checks what packaging would take along.

foreach(name LICENSE README)
  if(NOT EXISTS "${EXTENSION_${name}_FILE}")
    message(FATAL_ERROR "EXTENSION_${name}_FILE does not exist: ${EXTENSION_${name}_FILE}")
  endif()
endforeach()
