#!/usr/bin/env bash
# Runs every command line that README.md and the other pages show in a block of code, with the program of a build, in an empty
# folder with the arrays that they name; but for those in ci/doc_commands.txt, each of which has a reason there. Of the commands
# of clxent that are not run, or stand in a sentence, the options must be known to `clxent COMMAND --help`.
#
#   ci/doc_commands.sh build
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(cd "${1:?which build? ci/doc_commands.sh build}" && pwd)
list="$root/ci/doc_commands.txt"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
    echo "FAILED  $*"
    failed=1
}

# ------------------------------------------------------------------------------------------------- finding them ------

pages() {
    (cd "$root" && find . -name '*.md' -not -path './build*' | cut -c3- | sort)
}

# shown: each command on a line of its own, behind the page, the line and a tab. Code is fenced as sh, or indented by four blanks
# behind an empty line; there a command begins with one of these words, for formulas and kernels stand so too. A backslash at the
# end goes on, and a comment is left out.
shown() {
    pages | while IFS= read -r page; do
        awk -v page="$page" '
            function is_command(text, word) {
                while (text ~ /^([A-Z_]+=[^ ]*|sudo) /)
                    sub(/^[^ ]+ +/, "", text)
                word = text
                sub(/ .*/, "", word)
                return word ~ /^(clxent|cmake|ctest|cpack|cc|gcc|clang|git|cd|cp|curl|echo|make|man|mpirun|ninja|perf|sh|bash|apt|apt-get|dpkg|pkg-config|python3|doxygen)$/ ||
                       word ~ /^(\.|ci|build[a-z-]*|tests)\//
            }
            /^ *```/ { fenced = !inside && /```sh/; inside = !inside; next }
            {
                code = fenced || (!inside && /^    +[^ ]/ && (blank || code))
                blank = /^ *$/
                text = $0
                sub(/^ +/, "", text)
                sub(/  +# .*/, "", text)
            }
            more == "" && (!code || text ~ /^#/ || !(fenced || is_command(text))) { next }
            more == "" { at = FNR }
            {
                text = more text
                more = sub(/ *\\$/, " ", text) ? text : ""
                if (more == "" && text != "") print page ":" at "\t" text
            }' "$root/$page"
    done
}

# What stands between backticks in a sentence, of the program and of these scripts. The changelog speaks of other versions.
in_sentences() {
    pages | grep -v '^CHANGELOG' | while IFS= read -r page; do
        # shellcheck disable=SC2016 # backticks of Markdown
        grep -noE '`(clxent [a-z][^`]*|ci/[a-z_]+\.sh[^`]*)`' "$root/$page" | sed -E "s|^([0-9]+):.(.*).\$|$page:\1\t\2|" || true
    done
}

excepted() {
    sed -nE 's/^([^#].*[^ ]) +## .+/\1/p' "$list"
}

# --------------------------------------------------------------------------------------------------- arrays ------

# npy NAME TYPE SHAPE ELEMENTS BYTES...: a file in which the elements take these values, in escapes of printf, by turns.
npy() {
    local name=$1 dictionary="{'descr': '$2', 'fortran_order': False, 'shape': $3, }" count=$4 length
    shift 4
    printf -v length '\\x%02x\\x00' ${#dictionary}
    {
        printf '%b' '\x93NUMPY\x01\x00' "$length" "$dictionary"
        local values=("$@") i
        for ((i = 0; i < count; i++)); do
            printf '%b' "${values[i % $#]}"
        done
    } >"$work/$name.npy"
}

make_arrays() {
    local one='\x00\x00\x80\x3f' two='\x00\x00\x00\x40' half='\x00\x00\x00\x3f' minus='\x00\x00\x80\xbf' zero='\x00\x00\x00\x00'
    npy logits '<f4' '(64, 10)' 640 "$one" "$two" "$minus" "$zero" "$half" "$two" "$one"
    npy labels '<i4' '(64,)' 64 '\x03\x00\x00\x00' '\x01\x00\x00\x00' '\x09\x00\x00\x00'
    npy other_labels '<i4' '(64,)' 64 '\x07\x00\x00\x00' '\x00\x00\x00\x00'
    npy scores '<f4' '(64, 10)' 640 "$minus" "$two" "$half" "$zero" "$one" "$minus" "$zero"
    npy tags '<f4' '(64, 10)' 640 "$zero" "$one" "$zero"
    npy weights '<f4' '(10,)' 10 "$one" "$half"
    npy image_logits '<f4' '(2, 3, 8, 8)' 384 "$one" "$minus" "$two" "$zero" "$half"
}

# ---------------------------------------------------------------------------------------------------- checks ------

# Its options, if it is one of the program's commands, as the program itself lists them.
check_options() {
    local place=$1 words name option help
    read -ra words <<<"${2%%[|<>]*}"
    name=${words[1]:-}
    [[ ${words[0]} == clxent && $name =~ ^[a-z-]+$ && $name != --* ]] || return 0
    if ! help=$(clxent "$name" --help); then
        fail "$place: $2"
        return
    fi
    for option in "${words[@]:2}"; do
        option=${option%%=*}
        if [[ $option == --* ]] && ! grep -qE "^  $option( |\$)" <<<"$help"; then
            fail "$place: $2: clxent $name has no option $option"
        fi
    done
}

check_sentence() {
    local script=${2%% *}
    if [[ $script == ci/* && ! -x $root/$script ]]; then
        fail "$1: $2: there is no script $script"
    fi
    check_options "$@"
}

run_command() {
    local began=$EPOCHREALTIME
    if ! (cd "$work" && bash -e -o pipefail -c "$2") >"$work/log" 2>&1 </dev/null; then
        fail "$1: $2"
        tail -20 "$work/log"
        return
    fi
    printf '%6.1f s  %s: %s\n' "$(seconds_since "$began")" "$1" "$2"
}

# Seconds since then.
seconds_since() {
    awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}

# ------------------------------------------------------------------------------------------------------ main ------

mkdir "$work/bin"
ln -s "$build/cli/clxent" "$work/bin/clxent"
ln -s "$build" "$work/build"
ln -s "$root"/{README.md,ci,docs,examples,tests} "$work"
export PATH="$work/bin:$PATH"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
make_arrays

mapfile -t lines < <(shown)
mapfile -t exceptions < <(excepted)
declare -A used=() ran=()
for line in "${lines[@]}"; do
    place=${line%%$'\t'*} command=${line#*$'\t'}
    if grep -qxF -- "$command" <(printf '%s\n' "${exceptions[@]}"); then
        used["$command"]=1
        check_options "$place" "$command"
    elif [[ -z ${ran["$command"]:-} ]]; then
        ran["$command"]=1
        run_command "$place" "$command"
    fi
done
for command in "${exceptions[@]}"; do
    [[ -n ${used["$command"]:-} ]] || fail "${list##*/}: no page shows \"$command\""
done
while IFS=$'\t' read -r place command; do
    check_sentence "$place" "$command"
done < <(in_sentences)
echo "${#lines[@]} commands on the pages, ${#ran[@]} different ones run, ${#exceptions[@]} on the list of those that are not"
exit "$failed"
