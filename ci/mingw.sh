#!/usr/bin/env bash
# Compiles library and program for Windows, by Debian's mingw-w64, into build-ci/mingw, and looks at what came out; nothing is run.
# Windows has its OpenCL loader from the driver of its device: the library to link with is made here from the names in the header.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

install_packages "${mingw_packages[@]}"
build=build-ci/mingw
opencl="$root/$build/opencl"
mkdir -p "$opencl"

# The headers alone, since those beside them in /usr/include are of another system.
ln -sfn /usr/include/CL "$opencl/CL"
{
    echo "LIBRARY OpenCL.dll"
    echo "EXPORTS"
    grep -ohE '\bcl[A-Z][A-Za-z]+\(' /usr/include/CL/cl.h | tr -d '(' | sort -u
} >"$opencl/OpenCL.def"
x86_64-w64-mingw32-dlltool --input-def "$opencl/OpenCL.def" --output-lib "$opencl/libOpenCL.dll.a"

cmake -S . -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$root/ci/mingw.cmake" -DCMAKE_BUILD_TYPE=Release \
    -DCLXENT_WERROR=ON -DCLXENT_BUILD_TESTS=OFF -DCLXENT_BUILD_EXAMPLES=OFF \
    -DOpenCL_INCLUDE_DIR="$opencl" -DOpenCL_LIBRARY="$opencl/libOpenCL.dll.a" >/dev/null
cmake --build "$build"

# Names that a DLL gives out, sorted.
exports_of() {
    x86_64-w64-mingw32-objdump -p "$1" | awk '/^\[Ordinal\/Name Pointer\] Table/ { on = 1; next }
        on && NF == 0 { exit } on { print $NF }' | LC_ALL=C sort
}
echo "given out by libclxent.dll (<), in host/exports.txt (>):"
diff <(exports_of "$build/host/libclxent.dll") <(LC_ALL=C sort host/exports.txt)
echo "as it should be"

# What a user would have to install: OpenCL, and nothing of the compiler's.
for file in "$build/host/libclxent.dll" "$build/cli/clxent.exe"; do
    needed=$(x86_64-w64-mingw32-objdump -p "$file" | sed -nE 's/.*DLL Name: //p')
    echo "$(basename "$file") needs" "${needed//$'\n'/ }"
    if grep -vxE '(OpenCL|KERNEL32|msvcrt|libclxent)\.dll' <<<"$needed"; then
        echo "which Windows does not have" >&2
        exit 1
    fi
done
