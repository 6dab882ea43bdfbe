#!/bin/sh
# The manual pages leave nothing out: each command of the program and each of its options, each function, constant and
# member of the header; and what they name exists.
#
#   manuals.sh PROGRAM SOURCE
set -eu
program=$1
page1=$2/man/clxent.1
page3=$2/man/clxent.h.3
header=$2/include/clxent.h
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
LC_ALL=C
export LC_ALL

# same WHAT: $folder/is and $folder/told hold the same words.
status=0
same() {
    sort -u -o "$folder/is" "$folder/is"
    sort -u -o "$folder/told" "$folder/told"
    if ! [ -s "$folder/is" ]; then
        echo "found no $1"
        status=1
    fi
    echo "$1 that the manual leaves out (<), or makes up (>):"
    diff "$folder/is" "$folder/told" || status=1
}

"$program" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p' >"$folder/commands"
cp "$folder/commands" "$folder/is"
sed -nE '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Cm //p' "$page1" | tr -s ' |' '\n' >"$folder/told"
same "commands in the synopsis"
sed -nE 's/^\.It Cm ([a-z-]+).*/\1/p' "$page1" >"$folder/told"
cp "$folder/commands" "$folder/is"
same "commands in the text"

while read -r command; do
    "$program" "$command" --help | sed -nE 's/^  (--[a-z0-9-]+).*/\1/p'
done <"$folder/commands" >"$folder/is"
grep -oE '(Fl|,) -[a-z0-9-]+' "$page1" | sed -E 's/^.* -/--/' >"$folder/told"
same options

sort "$2/host/exports.txt" >"$folder/is"
grep -oE '^static inline void clxent_[a-z_]+' "$header" | sed 's/.* //' >>"$folder/is"
sed -nE '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.F[no] (clxent_[a-z_]+).*/\1/p' "$page3" >"$folder/told"
same functions

grep -oE '\bCLXENT_[A-Z0-9_]+\b' "$header" | grep -vxE 'CLXENT_(H|API|DEVICE)' >"$folder/is"
grep -oE '\bCLXENT_[A-Z0-9_]+\b' "$page3" | grep -vxE 'CLXENT_DEVICE' >"$folder/told"
same constants

# Members: the last word of a declaration inside a struct.
sed -nE '/^typedef struct clxent_(desc|args) \{/,/^\}/s/^ {4}([a-z][a-z0-9_ *]*);.*/\1/p' "$header" | sed 's/.* //' |
    grep -vxE 'struct_size|op' >"$folder/is"
sed -nE '/^\.Sh DESCRIPTION/,$s/^\.It Fa //p' "$page3" | tr -s ' ,' '\n' >"$folder/told"
same members
exit "$status"
