#!/usr/bin/env bash
# What bash completes behind `clxent`.
#
#   completion.sh PROGRAM SOURCE
set -eu
program=$1
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
# shellcheck source=../packaging/clxent.bash
source "$2/packaging/clxent.bash"
cd "$folder"
touch logits.npy labels.npy notes.txt 'two words.npy' chart.svg
mkdir more

failed=0
# expect 'COMPLETIONS' WORD...: what stands for the last word, which may be empty, sorted.
expect() {
    local expected=$1 got
    shift
    COMP_WORDS=(clxent "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _clxent "$program" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
    got=$(printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | tr '\n' ' ')
    if [[ $got != "$expected " ]]; then
        printf 'clxent %s: "%s" was expected, "%s" came\n' "$*" "$expected" "$got"
        failed=1
    fi
}

expect "check cross-entropy" c
expect "log-softmax" explain l
expect "nll-loss" bench --op n
expect "--pass" explain softmax --pa
expect "binary-cross-entropy binary-cross-entropy-with-logits" bin
expect "--help --version" -
expect "labels.npy logits.npy more two words.npy" softmax ""
expect "labels.npy logits.npy" cross-entropy logits.npy l
expect "" devices ""
expect "--lse" cross-entropy x.npy y.npy --ls
expect "--sample-weight --scale --softcap" cross-entropy x.npy --s
expect "mean none sum" nll-loss x.npy y.npy --reduction ""
expect "mean" nll-loss x.npy y.npy --reduction = m
expect "bf16 f2 f4 f8" softmax --dtype =
expect "cpu gpu reference" softmax x.npy --device ""
expect "cpu gpu" check --device ""
expect "labels.npy logits.npy more two words.npy" softmax x.npy --output ""
expect "chart.svg more" bench --plot ""
expect "" softmax x.npy --axis ""
expect "" cross-entropy --verify x.npy --scale =
expect "labels.npy" cross-entropy --verify la
exit "$failed"
