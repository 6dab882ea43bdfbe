#!/bin/sh
# A shared library gives out the functions of its header, those in host/exports.txt, and no other name; the objects of a static
# one define no name that could be somebody else's.
#
#   exports.sh LIBRARY SOURCE
set -eu
library=$1
source=$2
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
LC_ALL=C
export LC_ALL

sort "$source/host/exports.txt" >"$folder/listed"
grep -E '^CLXENT_API' "$source/include/clxent.h" | grep -oE 'clxent_[a-z_]+\(' | tr -d '(' | sort >"$folder/declared"
case $library in
*.a) nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | sort >"$folder/given" ;;
*) nm -D --defined-only "$library" | awk '{ print $3 }' | sort >"$folder/given" ;;
esac

echo "declared in the header, but not in host/exports.txt (<), or the other way round (>):"
diff "$folder/declared" "$folder/listed"
case $library in
*.a)
    echo "names outside clx_ and clxent_:"
    ! grep -vE '^(clx|clxent)_' "$folder/given"
    ;;
*)
    echo "given out by $library (<), in host/exports.txt (>):"
    diff "$folder/given" "$folder/listed"
    ;;
esac
echo "as it should be"
