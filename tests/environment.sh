#!/bin/sh
# The library and the program read no environment variable but those that README.md names, each by its name in the source.
#
#   environment.sh SOURCE
set -eu
cd "$1"
calls=$(grep -rhoE '\b(secure_)?getenv(_s)?\b *\([^)]*\)|\benviron\b' host mpi cli platform | sort -u)
status=0
for call in $calls; do
    name=$(printf '%s' "$call" | sed -nE 's/^getenv\("([A-Z0-9_]+)"\)$/\1/p')
    if [ -z "$name" ]; then
        echo "reads the environment in a way that is not checked: $call"
        status=1
    elif ! grep -qw "$name" README.md; then
        echo "README.md does not name $name"
        status=1
    else
        echo "$name is documented"
    fi
done
exit "$status"
