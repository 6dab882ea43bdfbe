# cmake -DPROGRAM=segmentation -DPICTURE=FILE.ppm -P check_segmentation.cmake
# The losses, and some pixels of the picture, whose colours are known: the scene is made by formulas.
file(REMOVE "${PICTURE}")
execute_process(COMMAND "${PROGRAM}" "${PICTURE}" RESULT_VARIABLE status OUTPUT_VARIABLE said)
if(NOT status EQUAL 0 OR NOT said MATCHES "weighted mean 0\\.06995[0-9], from the pixels 0\\.06995[0-9]\n")
    message(FATAL_ERROR "exit status ${status} and \"${said}\"")
endif()

set(width 200)
file(READ "${PICTURE}" header LIMIT 15)
file(SIZE "${PICTURE}" size)
if(NOT header STREQUAL "P6\n600 320\n255\n" OR NOT size EQUAL 576015)
    message(FATAL_ERROR "${PICTURE} has ${size} bytes and begins with ${header}")
endif()

# pixel(PANEL X Y EXPECTED): red, green and blue of a pixel, as two hexadecimal digits each; panel 0 is the labels, 1 what is seen,
# 2 the loss.
function(pixel panel x y expected)
    math(EXPR offset "15 + 3 * (${y} * 3 * ${width} + ${panel} * ${width} + ${x})")
    file(READ "${PICTURE}" colour OFFSET ${offset} LIMIT 3 HEX)
    if(NOT colour MATCHES "^${expected}$")
        message(FATAL_ERROR "panel ${panel} is ${colour} at (${x}, ${y}), expected ${expected}")
    endif()
endfunction()

# The sky is seen, and costs next to nothing.
pixel(0 100 10 82bef0)
pixel(1 100 10 82bef0)
pixel(2 100 10 0[0-9a-f]0000)
# So is the road of the second scene.
pixel(0 80 310 50505a)
pixel(1 80 310 50505a)
pixel(2 80 310 0[0-9a-f]0000)
# The post of the sign is taken for grass, at a high price.
pixel(0 125 95 e63c32)
pixel(1 125 95 78be50)
pixel(2 125 95 ffffff)
# The border between sky and grass does not count.
pixel(0 0 69 808080)
pixel(2 0 69 808080)
