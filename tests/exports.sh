#!/bin/sh
# A shared library gives out the functions of its header, those in host/exports.txt, and no other name; the objects of a static
# one define no name that could be somebody else's. clxent_mpi has its own list, in mpi/, and its own header.
#
#   exports.sh LIBRARY SOURCE [FOLDER HEADER]
set -eu
library=$1
source=$2
list=${3:-host}/exports.txt
header=include/${4:-clxent.h}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
LC_ALL=C
export LC_ALL

sort "$source/$list" >"$folder/listed"
grep -E '^CLXENT_API' "$source/$header" | grep -oE 'clxent_[a-z_]+\(' | tr -d '(' | sort >"$folder/declared"
case $library in
*.a) nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | sort >"$folder/given" ;;
*) nm -D --defined-only "$library" | awk '{ print $3 }' | sort >"$folder/given" ;;
esac

echo "declared in $header, but not in $list (<), or the other way round (>):"
diff "$folder/declared" "$folder/listed"
case $library in
*.a)
    echo "names outside clx_ and clxent_:"
    ! grep -vE '^(clx|clxent)_' "$folder/given"
    ;;
*)
    echo "given out by $library (<), in $list (>):"
    diff "$folder/given" "$folder/listed"
    ;;
esac
echo "as it should be"
