#!/bin/sh
# The version stands in the header alone, and what else speaks of it agrees: the program, the changelog, and how README.md asks CMake
# for it.
#
#   version.sh PROGRAM SOURCE
set -eu
cd "$2"
version=$(sed -nE 's/^#define CLXENT_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+).*/\2/p' include/clxent.h | paste -sd .)
fail() {
    echo "$1"
    exit 1
}

echo "$version" | grep -qxE '[0-9]+\.[0-9]+\.[0-9]+' || fail "include/clxent.h has no version: '$version'"
[ "$("$1" --version)" = "clxent $version" ] || fail "the program is $("$1" --version), the header $version"
# A released version has a heading; one to come is announced under "Unreleased".
newest=$(grep -m 1 -E '^## \[[0-9]' CHANGELOG.md || :)
case $newest in
"## [$version] - "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]) ;;
*) grep -qF "$version when it is released" CHANGELOG.md || fail "CHANGELOG.md does not know $version" ;;
esac
grep -qF "find_package(clxent ${version%.*} " README.md || fail "README.md asks CMake for another version than ${version%.*}"
if grep -rnwF "$version" CMakeLists.txt cli host platform packaging man ci; then
    fail "the version stands in other files too"
fi
echo "$version everywhere"
