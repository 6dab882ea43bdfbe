# cmake -DKERNELS="a.cl;b.cl" -DOUTPUT=kernel_sources.c -P embed.cmake
# Writes the table that host/kernel_source.h declares: each file's base name and its bytes, ended by a zero.
set(arrays "")
set(table "")
foreach(kernel IN LISTS KERNELS)
    get_filename_component(name "${kernel}" NAME_WE)
    file(READ "${kernel}" hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(................................................................................)" "\\1\n    " bytes "${bytes}")
    string(APPEND arrays "static const unsigned char ${name}[] = {\n    ${bytes}0x00};\n\n")
    string(APPEND table "    {\"${name}\", (const char *)${name}},\n")
endforeach()
file(WRITE "${OUTPUT}.tmp" "/* Made from kernels/ by embed.cmake. */
#include \"kernel_source.h\"

${arrays}const clx_kernel_source clx_kernel_sources[] = {
${table}    {0, 0},
};
")
file(RENAME "${OUTPUT}.tmp" "${OUTPUT}")
