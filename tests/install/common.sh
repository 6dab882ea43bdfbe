# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share: to be sourced with SOURCE and FOLDER. Empties the folder, and sets `source`, `folder`, the
# `version` of the header, and the `interface` that it belongs to.
set -euo pipefail
source=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
rm -rf "${folder:?}"/*
version=$(sed -nE 's/^#define CLXENT_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+).*/\2/p' "$source/include/clxent.h" | paste -sd .)
interface=${version%.*}
if [[ $version != 0.* ]]; then
    interface=${version%%.*}
fi

fail() {
    echo "$*" >&2
    exit 1
}
