#!/usr/bin/env bash
# Writes the seeds of the fuzzers into corpus/, each a few dozen bytes: run it after a change of what bytes mean. The files that
# begin with found- were not written here: each made something fail once, and stays.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/corpus"
mkdir -p npy arguments descriptor
find . -type f ! -name 'found-*' -delete

# npy VERSION DICTIONARY BYTES_OF_ELEMENTS NAME
npy() {
    local length=${#2} head='\x93NUMPY'
    printf -v length '\\x%02x\\x%02x' $((length % 256)) $((length / 256))
    if (($1 > 1)); then
        length+='\x00\x00'
    fi
    {
        printf '%b' "$head\\x0$1\\x00$length$2"
        head -c "$3" /dev/zero
    } >"npy/$4"
}

npy 1 "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" 24 f4
npy 2 "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }" 16 f8-version-2
npy 3 "{'descr': '|u1', 'fortran_order': False, 'shape': (), }" 1 u1-version-3
npy 1 "{'shape':(0,3),'fortran_order':False,'descr':'<f2'}" 0 empty
npy 1 '{"descr": "<i8", "fortran_order": False, "shape": (1, 1, 1, 1), }   ' 8 i8
npy 1 "{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }" 8 big-endian
npy 1 "{'descr': '<u2', 'fortran_order': True, 'shape': (2,2), }" 8 fortran
npy 1 "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }" 8 record
npy 1 "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693951,), }" 8 lie
npy 1 "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 0), }" 0 overflow
npy 1 "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'shape': (6,), }" 24 twice
npy 1 "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" 23 short
npy 1 "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" 25 long
head -c 9 npy/f4 >npy/cut

# arguments NAME WORD...
arguments() {
    local name=$1
    shift
    printf '%s\n' "$@" >"arguments/$name"
}

reference=(--device reference)
arguments nothing ''
arguments help --help
arguments command-help cross-entropy --help
arguments version --version
arguments misspelt cross-entropi
arguments softmax softmax f4:3x5 "${reference[@]}" --output p.npy --axis=-1
arguments softmax-back log-softmax f8:2x3x4 "${reference[@]}" --axis 1 --grad-output f8:2x3x4 --grad g.npy --verify
arguments nll nll-loss f2:4x3 i8:4 "${reference[@]}" --reduction sum --grad g.npy --weight f4:3 --json
arguments cross-entropy cross-entropy f4:4x3 i4:4 "${reference[@]}" --target2 i4:4 --mix .25 --label-smoothing 0.1 \
    --grad g.npy --lse l.npy --argmax a.npy --accuracy --verify --json
arguments options cross-entropy f4:4x3 u1:4 "${reference[@]}" --scale 2 --softcap 30 --z-loss 1e-4 --reg-lambda .5 \
    --ignore-index 1 --sample-weight f4:4 --reduction none --grad-output f4:4 --grad-scale 8 --grad g.npy
arguments probabilities cross-entropy u2:2x3x4 u2:2x3x4 --dtype bf16 "${reference[@]}" --output l.npy --empty-mean-zero
arguments binary binary-cross-entropy f4:6 f4:6 "${reference[@]}" --weight f4:1 --verify
arguments logits binary-cross-entropy-with-logits f4:4x3 f4:4x3 "${reference[@]}" --pos-weight f4:3 --reduction none
arguments empty cross-entropy f4:0x3 i4:0 "${reference[@]}"
arguments scalar softmax f4: "${reference[@]}"
arguments missing softmax no.npy
arguments twice softmax f4:2 --axis 0 --axis 1
arguments dashes softmax -- --axis
arguments devices devices --json --device gpu
arguments check check --all --json
arguments bench bench --op cross-entropy --shape 8x21x512x512 --dtype f16 --pass forward-backward --in-place --engine column \
    --min-time 0.1 --csv
arguments sweep bench --sweep --json --plot b.svg
arguments overhead bench --overhead --device cpu
arguments explain explain cross-entropy --shape 8x21x512x512 --dtype bf16 --pass backward --json
arguments no-operation explain softmacks --shape 4x5
arguments tune tune --shape 1024x10 --time 5 --json

# descriptor NAME BYTE...: which way, which program, then what fuzz_case.c takes.
descriptor() {
    local name=$1 byte text=
    shift
    for byte; do
        printf -v byte '\\x%02x' $((byte % 256))
        text+=$byte
    done
    printf '%b' "$text" >"descriptor/$name"
}

for program in {0..14}; do
    descriptor "values-$program" $((program % 2)) "$program" 9 3 2 "$program" 1 0 0 0 1 2 3 1 2 3 255 63 1 1 "$program" \
        0 1 130 1 2 3 3 4 5 7 8 9
done
for program in 5 9 12; do
    descriptor "refused-$program" 0 "$program" 9 3 2 0 1 0 0 0 1 2 3 1 2 3 255 63 0 0 7 1 1 255 0 1 255 6 0 255
done
for kind in {0..4}; do
    descriptor "arrays-$kind" 2 5 9 3 2 0 1 0 0 0 1 2 3 1 2 3 15 0 0 0 7 2 "$kind" 0 7 4 "$kind" 11 0 4
done
for member in {0..25}; do
    descriptor "member-$member" 3 5 9 3 2 0 1 0 0 0 1 2 3 1 2 3 15 0 0 0 7 0 "$member" "$member" 0 0 0 0 0 0 0 0
done
# Later operations: in one piece, as a shard, with smoothing, refused, with a member that has no meaning.
later() {
    descriptor "later-$1" 4 "${@:2}"
}
for kind in {0..5}; do
    later "$kind" "$kind" 3 4 "$kind" 0 1 0 3 4 2 0 255 255 0 7 60 200 131 90 17 240
    later "shard-$kind" "$kind" 4 6 $((kind + 1)) 0 3 0 5 200 200 "$kind" 255 255 0 7 60 200 131 90 17 240
    later "smooth-$kind" "$kind" 4 6 1 1 0 0 5 3 0 1 255 255 0 7 60 200 131 90 17 240 254
    later "refused-$kind" "$kind" 3 4 "$kind" 1 0 1 3 4 200 0 255 255 0 255 255
    for member in 14 15 16 17 25; do
        later "member-$kind-$member" "$kind" 3 4 0 0 0 0 3 4 2 0 0 0 1 0 "$member" 2 0
    done
done
