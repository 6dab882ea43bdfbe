# cmake -DMAKE=make_logits -DEVALUATE=evaluate_logits -DCLXENT=clxent -DFOLDER=FOLDER -P check_evaluation.cmake
# However a file is cut into chunks, loss and accuracy are those that the clxent program has for the whole of it.
set(logits "${FOLDER}/logits.npy")
set(target "${FOLDER}/target.npy")

# run(VARIABLE PROGRAM ARGUMENT...): what a program says, which must succeed and not complain.
function(run variable)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE complaint)
    string(REGEX REPLACE "MESA: [^\n]*\n" "" complaint "${complaint}") # a driver's own remarks
    if(NOT status EQUAL 0 OR NOT complaint STREQUAL "")
        message(FATAL_ERROR "${ARGN}: exit status ${status}, \"${said}\", \"${complaint}\"")
    endif()
    set(${variable} "${said}" PARENT_SCOPE)
endfunction()

# refuse(EXPECTED ARGUMENT...): evaluate_logits must fail with one sentence.
function(refuse expected)
    execute_process(COMMAND "${EVALUATE}" ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE complaint)
    string(REGEX REPLACE "MESA: [^\n]*\n" "" complaint "${complaint}")
    if(NOT status EQUAL 1 OR NOT complaint MATCHES "^[^\n]*${expected}[^\n]*\n$" OR NOT said STREQUAL "")
        message(FATAL_ERROR "${ARGN}: exit status ${status}, \"${said}\", \"${complaint}\"; expected \"${expected}\"")
    endif()
endfunction()

# millionths(VARIABLE TEXT): of a decimal number, as a whole number.
function(millionths variable text)
    string(REGEX MATCH "^([0-9]+)\\.([0-9]+)$" matched "${text}")
    string(SUBSTRING "${CMAKE_MATCH_2}000000" 0 6 fraction)
    math(EXPR number "${CMAKE_MATCH_1} * 1000000 + 1${fraction} - 1000000")
    set(${variable} ${number} PARENT_SCOPE)
endfunction()

run(said "${MAKE}" 2000 500 "${logits}" "${target}")
run(said "${CLXENT}" cross-entropy "${logits}" "${target}" --accuracy --argmax "${FOLDER}/best.npy")
string(REGEX MATCH "mean: ([0-9.]+).*correct: ([0-9]+ of 1800)" matched "${said}")
millionths(expected "${CMAKE_MATCH_1}")
set(correct "${CMAKE_MATCH_2}")

foreach(cut 300=7 500=4 1999=2 9999=1)
    string(REPLACE "=" ";" cut "${cut}")
    list(GET cut 0 chunk)
    list(GET cut 1 chunks)
    run(said "${EVALUATE}" --chunk ${chunk} "${logits}" "${target}")
    string(REGEX MATCH "^2000 rows of 500 classes, 200 ignored, in ${chunks} chunks\nmean loss ([0-9.]+), .*\\(${correct}\\)\n$"
        matched "${said}")
    if(NOT matched)
        message(FATAL_ERROR "in chunks of ${chunk}: \"${said}\", expected ${correct}")
    endif()
    millionths(loss "${CMAKE_MATCH_1}")
    math(EXPR difference "${loss} - ${expected}")
    if(difference LESS -3 OR difference GREATER 3)
        message(FATAL_ERROR "in chunks of ${chunk} the loss is off by ${difference} millionths")
    endif()
endforeach()

# The classes that are the best ones, as targets, which the program writes as i8.
run(said "${EVALUATE}" "${logits}" "${FOLDER}/best.npy")
if(NOT said MATCHES "top-1 accuracy 100.00 % \\(2000 of 2000\\)")
    message(FATAL_ERROR "of the best classes: \"${said}\"")
endif()

run(said "${MAKE}" 2000 600 "${FOLDER}/wide.npy" "${FOLDER}/wide_target.npy")
run(said "${MAKE}" 1999 500 "${FOLDER}/short.npy" "${FOLDER}/short_target.npy")
execute_process(COMMAND head -c 1000000 "${logits}" OUTPUT_FILE "${FOLDER}/cut.npy")
execute_process(COMMAND cat "${logits}" "${target}" OUTPUT_FILE "${FOLDER}/long.npy")
execute_process(COMMAND head -c 50 "${logits}" OUTPUT_FILE "${FOLDER}/header.npy")
refuse("the target of row [0-9]+, counted from 0, is 5[0-9][0-9]: there are 500 classes" "${logits}" "${FOLDER}/wide_target.npy")
refuse("are not logits.* and N targets" "${logits}" "${FOLDER}/short_target.npy")
refuse("are not logits.* and N targets" "${target}" "${logits}")
refuse("cut.npy ends after 499 of 2000 rows" --chunk 300 "${FOLDER}/cut.npy" "${target}")
refuse("long.npy does not end after its 2000 rows" "${FOLDER}/long.npy" "${target}")
refuse("header.npy is not a .npy file" "${FOLDER}/header.npy" "${target}")
refuse("check_evaluation.cmake is not a .npy file" "${CMAKE_CURRENT_LIST_FILE}" "${target}")
refuse("cannot read .*missing.npy: " "${FOLDER}/missing.npy" "${target}")
