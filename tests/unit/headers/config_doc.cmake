# docs/configuration.md is what the option table says now.
execute_process(COMMAND ${EMULATOR} ${PROGRAM} OUTPUT_VARIABLE fresh RESULT_VARIABLE failed)
file(READ ${DOCUMENT} stored)
if(failed OR NOT fresh STREQUAL stored)
  message(FATAL_ERROR "${DOCUMENT} is stale: make it anew by ${PROGRAM} > ${DOCUMENT}")
endif()
