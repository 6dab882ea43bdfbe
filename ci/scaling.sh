#!/usr/bin/env bash
# What a cross-entropy costs each process when its classes are dealt out to 1, 2, 3 and 4 of them on this machine: prints what
# examples/mpi_scaling.c measures, and draws the picture of docs/scaling.md. Needs clxent with its examples, built with MPI by CMake into the
# folder that is named, build/ if none is.
#
#   ci/scaling.sh [BUILD [PICTURE.svg]]
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build=${1:-build}
picture=${2:-}
log=$(mktemp)
trap 'rm "$log"' EXIT
# More processes than cores, none of them bound to one; also as root.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1

for ranks in 1 2 3 4; do
    heading "4096 x 32768 in $ranks"
    mpirun -n "$ranks" "$build/examples/mpi_scaling" 4096 32768 20
done | tee "$log"
if [[ -n $picture ]]; then
    awk -f ci/scaling.awk "$log" >"$picture"
    echo "$picture"
fi
