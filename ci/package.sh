#!/usr/bin/env bash
# Makes the Debian packages of this machine's architecture, in build-ci/packages: the library, what programs are built with, and the
# program. Installs what is missing. clxent_mpi is in none of them: it would fit one kind of MPI alone.
#
#   ci/package.sh                                              packages of the clxent authors
#   ci/package.sh -DCLXENT_PACKAGE_CONTACT='You <you@there>'   yours; options go to CMake
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

install_packages "${package_packages[@]}"
build=build-ci/package
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DCLXENT_BUILD_TESTS=OFF \
    -DCLXENT_BUILD_EXAMPLES=OFF -DCLXENT_BUILD_MPI=OFF "$@" >/dev/null
cmake --build "$build"
rm -rf build-ci/packages
(cd "$build" && cpack -G DEB -B "$root/build-ci/packages")
rm -rf build-ci/packages/_CPack_Packages
