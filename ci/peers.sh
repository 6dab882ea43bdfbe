#!/usr/bin/env bash
# How clxent compares: times the same work in clxent, in plain C loops, in oneDNN and in PyTorch, in turn, on all cores of
# this machine, and prints a table. Installs what is missing (Debian) and builds into build-peers/. A peer that cannot be had
# is named and left out; the exit status is 0 unless clxent itself fails. Takes about three minutes and 6 GB of memory.
#
#   ci/peers.sh                          everything
#   ci/peers.sh --only 1024x50257        cases with this in their name: "cross-entropy forward 1024x50257x1"
#   ci/peers.sh --json                   one JSON object per line
#   ci/peers.sh --rounds 9 --seconds 1   longer: 5 rounds and 0.3 s are usual
#
# CLXENT_DEVICE names another device than the CPU. ci/peers/README.md says what each peer does.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

out=build-peers
threads=$(nproc)
missing=() # "NAME: why", for each peer that is left out

# What is printed on the way goes to standard error, so that standard output is the table, or JSON, alone.
exec 3>&1 >&2

# leave_out NAME WHY...
leave_out() {
    echo "$1 is left out: ${*:2}"
    missing+=(--missing "$1: ${*:2}")
}

build_clxent() {
    cmake -S . -B "$out/clxent" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DCLXENT_BUILD_TESTS=OFF \
        -DCLXENT_BUILD_EXAMPLES=OFF -DCLXENT_BUILD_PROGRAM=OFF >/dev/null
    cmake --build "$out/clxent" --parallel "$threads"
    "${compile[@]}" -O2 -Iinclude ci/peers/clxent_peer.c "$shared" "$out/clxent/host/libclxent.a" \
        -o "$out/clxent_peer" -lOpenCL -lm -pthread
}

# Functions begin on a cache line, without which the time of a loop depends on where the linker happens to put it.
compile=(gcc -std=c11 -Wall -Wextra)
fast=(-Ofast -march=native -fopenmp -funroll-loops -falign-functions=64)
shared=$out/peer.o

build_plain_c() {
    "${compile[@]}" "${fast[@]}" ci/peers/loops_peer.c ci/peers/loops.c "$shared" -o "$out/loops_peer" -lm
}

build_onednn() {
    "${compile[@]}" "${fast[@]}" ci/peers/onednn_peer.c "$shared" -o "$out/onednn_peer" -ldnnl -lm
}

# find_torch: prints a Python that has PyTorch.
find_torch() {
    local python
    for python in python3 /usr/bin/python3; do
        if "$python" -c 'import torch' 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    return 1
}

# find_jemalloc: prints where it is, or nothing.
find_jemalloc() {
    /sbin/ldconfig -p | awk '$1 == "libjemalloc.so.2" && !found++ { print $NF }'
}

heading "1/3 Packages: those of clxent, then oneDNN and PyTorch with jemalloc"
install_packages "${demo_packages[@]}"
for package in python3 libdnnl-dev python3-torch libjemalloc2; do
    install_packages "$package" || echo "$package could not be installed"
done

heading "2/3 Building into $out/"
mkdir -p "$out"
rm -f "$out"/*_peer
"${compile[@]}" -O2 -c ci/peers/peer.c -o "$shared"
build_clxent
build_plain_c || leave_out "plain C" "ci/peers/loops.c did not compile, see above"
if [[ -e /usr/include/oneapi/dnnl/dnnl.h ]]; then
    build_onednn || leave_out oneDNN "ci/peers/onednn_peer.c did not compile, see above"
else
    leave_out oneDNN "package libdnnl-dev is not there"
fi
options=()
if torch=$(find_torch); then
    options+=(--python "$torch")
    jemalloc=$(find_jemalloc || true)
    if [[ -n $jemalloc ]]; then
        options+=(--jemalloc "$jemalloc")
    else
        missing+=(--missing "jemalloc: package libjemalloc2 is not there, so PyTorch pays for fresh pages in each call")
    fi
else
    leave_out PyTorch "package python3-torch is not there"
fi

heading "3/3 Timing, $threads threads each"
if ! command -v python3 >/dev/null; then
    echo "Nothing is timed: package python3 is not there."
    exit 0
fi
export POCL_CACHE_DIR="$root/$out/pocl-cache" # compiled kernels are kept here, not in the home directory
mkdir -p "$POCL_CACHE_DIR"
export CLXENT_DEVICE="${CLXENT_DEVICE:-cpu}"
# As many threads for each, and none that spins while another peer is timed.
export OMP_NUM_THREADS="$threads" OMP_WAIT_POLICY=passive POCL_MAX_PTHREAD_COUNT="$threads"
python3 ci/peers/run.py "$out" ${options[@]+"${options[@]}"} ${missing[@]+"${missing[@]}"} "$@" >&3
