#!/usr/bin/env bash
# What stops a loss on this machine, memory or arithmetic? Times what one core needs for 8 logits in its nearest cache, by
# intrinsics (x86 with AVX2 or AVX-512), beside what clxent takes and what the memory gives. Needs gcc, and clxent built by CMake into the
# folder that is named, build/ if none is.
#
#   ci/limits.sh [BUILD]
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build=${1:-build}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

heading "8 logits, one core, nearest cache"
gcc -std=gnu11 -O3 -march=native -funroll-loops ci/limits/exp.c -o "$folder/exp"
"$folder/exp"

heading "8 logits, one core of all that work at once, from memory (1024 x 50257)"
"$build/cli/clxent" bench --op cross-entropy --pass forward --shape 1024x50257 --json |
    sed -E 's/.*"gbps": ([0-9.]+), "ceiling_gbps": ([0-9.]+),.*/\1 \2/' |
    awk -v cores="$(nproc)" '{
        printf "%-56s %6.2f ns\n%-56s %6.2f ns\n", "cross-entropy, loss", 32 * cores / $1, "reading alone", 32 * cores / $2
    }'
