#!/usr/bin/env bash
# How the matrix products of linear cross-entropy compare with OpenBLAS's sgemm on all cores of this machine, and what its gradient
# filter saves. The two are timed in turn within the same plan, to which OpenBLAS is given by clxent_plan_set_product. Installs
# what is missing (Debian) and builds into build-peers/. Takes about two minutes and 1 GB of memory.
#
#   ci/products.sh [ROUNDS]       5 rounds are usual
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

out=build-peers
install_packages "${demo_packages[@]}" libopenblas-dev
cmake -S . -B "$out/clxent" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DCLXENT_BUILD_TESTS=OFF \
    -DCLXENT_BUILD_EXAMPLES=OFF -DCLXENT_BUILD_PROGRAM=OFF >/dev/null
cmake --build "$out/clxent" --parallel "$(nproc)" >/dev/null
gcc -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -O2 -Iinclude ci/peers/products.c "$out/clxent/host/libclxent.a" \
    -o "$out/products" -lOpenCL -lopenblas -lm -pthread
export POCL_CACHE_DIR="$root/$out/pocl-cache" CLXENT_DEVICE="${CLXENT_DEVICE:-cpu}"
mkdir -p "$POCL_CACHE_DIR"
# Threads of OpenBLAS that have nothing to do sleep soon, and do not spin while it is clxent's turn.
export OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-$(nproc)} OPENBLAS_THREAD_TIMEOUT=10
exec "$out/products" "$@"
