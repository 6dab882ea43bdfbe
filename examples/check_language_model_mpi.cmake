# Trains the language model in one process and, twice, in two: the losses printed by two are the same both times, and those of one agree
# with them to 0.001.
#
#   cmake -DMPIEXEC=mpiexec -DNUMBER=-n -DPROGRAM=language_model_mpi "-DTEXTS=a;b" -P check_language_model_mpi.cmake

# run(PROCESSES RESULT): the losses, in ten thousandths.
function(run processes result)
    execute_process(COMMAND "${MPIEXEC}" "${NUMBER}" ${processes} "${PROGRAM}" 40 ${TEXTS}
        OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
    message("${processes} processes:\n${output}")
    string(REGEX MATCHALL "loss [0-9]+\\.[0-9]+" losses "${output}")
    list(LENGTH losses count)
    if(count LESS 10)
        message(FATAL_ERROR "${count} losses were printed, not 10 of them")
    endif()
    list(TRANSFORM losses REPLACE "loss |\\." "")
    set(${result} "${losses}" PARENT_SCOPE)
endfunction()

run(1 one)
run(2 two)
run(2 again)
if(NOT two STREQUAL again)
    message(FATAL_ERROR "a second run has other losses")
endif()
foreach(a b IN ZIP_LISTS one two)
    math(EXPR difference "${a} - ${b}")
    if(difference GREATER 10 OR difference LESS -10)
        message(FATAL_ERROR "a loss of one process and that of two differ by ${difference} ten thousandths")
    endif()
endforeach()
