#!/usr/bin/env bash
# Who tests the tests: changes an operator, a constant or an index of kernels/ and host/ at a time and counts how many of these
# mutants the tests notice. Installs what is missing (Debian) and works in build-mutate/. A mutant takes ten seconds to
# a few minutes.
#
#   ci/mutate.sh                                  40 mutants of each, another 40 every time
#   ci/mutate.sh --kernels 300 --host 0 --seed 7  300 of the kernels; the same ones every time
#   ci/mutate.sh --only reduce.cl                 of this file; of several: --only 'kernels/(linear|product)'
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

install_packages "${test_packages[@]}" python3
mkdir -p build-mutate/pocl-cache build-mutate/vendors
cp /etc/OpenCL/vendors/pocl.icd build-mutate/vendors/
export OCL_ICD_VENDORS="$root/build-mutate/vendors/pocl.icd" POCL_CACHE_DIR="$root/build-mutate/pocl-cache"
exec python3 ci/mutate/run.py "$@"
