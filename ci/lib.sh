# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share. To be sourced: it stops the script at the first error, goes to the root of the
# project and defines the functions below.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# Debian packages. The first list builds and runs clxent on any machine: PoCL computes on the CPU.
demo_packages=(cmake gcc libc6-dev make ocl-icd-opencl-dev pocl-opencl-icd)
docs_packages=(doxygen)
test_packages=("${demo_packages[@]}" "${docs_packages[@]}" clang-14 clang-format-14 g++ gcovr libclang-rt-14-dev libcmocka-dev
    libopenmpi-dev mandoc mesa-opencl-icd ninja-build oclgrind openmpi-bin pkg-config valgrind)

# Debian packages are made with these.
package_packages=("${demo_packages[@]}" dpkg-dev file ninja-build pkg-config)

# A compiler for Windows, and the headers of OpenCL.
mingw_packages=(cmake gcc-mingw-w64-x86-64-win32 ninja-build opencl-c-headers)

heading() {
    printf '\n== %s\n' "$*"
}

# install_packages NAME...: installs those that are missing.
install_packages() {
    local name missing=() sudo=()
    if ! command -v apt-get >/dev/null; then
        echo "This is not Debian, so nothing is installed. Needed are the equivalents of: $*"
        return
    fi
    for name; do
        [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null) == ii* ]] || missing+=("$name")
    done
    if ((${#missing[@]} == 0)); then
        return
    fi
    if ((EUID != 0)); then
        sudo=(sudo)
    fi
    echo "Installing ${missing[*]}"
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}
