#!/bin/sh
# What is built has the protections that CLXENT_HARDEN asks for: addresses that are read-only once resolved, all of them at the
# start; guards on the stack; and a program that can be loaded anywhere.
#
#   hardening.sh LIBRARY [PROGRAM]
set -eu
fail() {
    echo "$1"
    exit 1
}

for file; do
    readelf -lW "$file" | grep -q GNU_RELRO || fail "$file: not linked with -z relro"
    readelf -dW "$file" | grep -qE 'BIND_NOW|FLAGS.*NOW' || fail "$file: not linked with -z now"
    readelf --dyn-syms -W "$file" | grep -q __stack_chk_fail || fail "$file: no guard on the stack"
    readelf --dyn-syms -W "$file" | grep -qE '__[a-z]+_chk@' || fail "$file: sizes are not checked (_FORTIFY_SOURCE)"
    readelf -lW "$file" | grep 'GNU_STACK' | grep -q 'RWE' && fail "$file: the stack can be executed"
    readelf -hW "$file" | grep -q 'Type: *DYN' || fail "$file: has a fixed address"
    echo "$file: hardened"
done
