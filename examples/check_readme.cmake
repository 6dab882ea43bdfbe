# cmake -DREADME=README.md -DEXAMPLE=examples/cross_entropy.c -P check_readme.cmake
# The program that README shows is the example, to the letter, and has at most 30 lines.
file(READ "${README}" readme)
file(READ "${EXAMPLE}" example)
string(FIND "${readme}" "```c\n${example}```" found)
if(found EQUAL -1)
    message(FATAL_ERROR "README does not show ${EXAMPLE} as it is")
endif()
string(REGEX REPLACE "[^\n]" "" newlines "${example}")
string(LENGTH "${newlines}" lines)
if(lines GREATER 30)
    message(FATAL_ERROR "${EXAMPLE} has ${lines} lines, README promises at most 30")
endif()
