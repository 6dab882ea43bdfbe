# cmake -DEXPECTED=REGEX -P check_refusal.cmake -- PROGRAM ARGUMENT...
# A program that is given what is not right must fail, and say what is wrong in one sentence.
set(command)
foreach(i RANGE ${CMAKE_ARGC})
    if(started AND i LESS CMAKE_ARGC)
        list(APPEND command "${CMAKE_ARGV${i}}")
    elseif("${CMAKE_ARGV${i}}" STREQUAL "--")
        set(started TRUE)
    endif()
endforeach()
execute_process(COMMAND ${command} RESULT_VARIABLE status ERROR_VARIABLE said OUTPUT_QUIET)
string(REGEX REPLACE "MESA: [^\n]*\n" "" said "${said}") # a driver's own remarks
if(NOT status EQUAL 1 OR NOT said MATCHES "${EXPECTED}" OR NOT said MATCHES "^[^\n]+\n$")
    message(FATAL_ERROR "exit status ${status} and \"${said}\"; expected 1 and one line with \"${EXPECTED}\"")
endif()
