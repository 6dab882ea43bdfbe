# Fails where a library asks the linker for a call of OpenCL, or for a way to allocate, that the layer does not stand
# before; and, where the objects are those of both libraries (WHOLE), if the layer stands before what none of them asks for:
# cmake -DNM=nm -DOBJECTS=a.o;b.o -DCALLS=clFinish;... -DWHOLE=1 -P check_calls.cmake
cmake_minimum_required(VERSION 3.20)

set(wrapped ${CALLS} malloc calloc realloc free pthread_mutex_init pthread_mutex_destroy)
# Of the C library, what gives memory or something else that can run out.
set(allocates "^(cl[A-Z].*|.*alloc|.*_memalign|memalign|str.?dup|v?asprintf|getline|getdelim|open.*|fopen.*|fdopen|mmap|\
pthread_(mutex|cond|create|key|rwlock|spin|attr)[a-z_]*|(mtx|cnd|thrd|tss)_[a-z]+|sem_.*|new|dup2?)$")
set(harmless pthread_mutex_lock pthread_mutex_unlock)
execute_process(COMMAND "${NM}" -u ${OBJECTS} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL " [Uw] [A-Za-z_0-9]+" symbols "${output}")
list(TRANSFORM symbols REPLACE " [Uw] " "")
list(REMOVE_DUPLICATES symbols)
set(seen 0)
foreach(symbol ${symbols})
    if(symbol MATCHES "${allocates}" AND NOT symbol IN_LIST harmless)
        math(EXPR seen "${seen} + 1")
        if(NOT symbol IN_LIST wrapped)
            message(SEND_ERROR "the library calls ${symbol}, which tests/fault does not make fail")
        endif()
        list(REMOVE_ITEM CALLS ${symbol})
    endif()
endforeach()
if(WHOLE AND CALLS)
    message(SEND_ERROR "tests/fault/calls.h has what the library does not call: ${CALLS}")
endif()
message(STATUS "${seen} calls that can fail, all of them made to")
