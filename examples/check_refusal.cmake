# A program that is given a file which is not its data must fail and say where the fault is.
execute_process(COMMAND "${PROGRAM}" "${FILE}" RESULT_VARIABLE status ERROR_VARIABLE said OUTPUT_QUIET)
if(NOT status EQUAL 1 OR NOT said MATCHES "${EXPECTED}")
    message(FATAL_ERROR "exit status ${status} and \"${said}\"; expected 1 and \"${EXPECTED}\"")
endif()
