# bash completion of clxent. Commands, options and the words that an option takes are read from the program's own --help.

# _clxent_value PROGRAM COMMAND OPTION: what --help calls the option's value; nothing for a switch.
_clxent_value() {
    "$1" "$2" --help 2>/dev/null | sed -n "s/^  $3 \([^ ]*\).*/\1/p"
}

_clxent_commands() {
    "$1" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p'
}

# Those that take arrays.
_clxent_operations() {
    local name
    for name in $(_clxent_commands "$1"); do
        if "$1" "$name" --help 2>/dev/null | grep -q '^Usage:.*\.npy'; then
            echo "$name"
        fi
    done
}

_clxent_files() {
    compopt -o filenames 2>/dev/null || : # outside of a completion, as in a test
    mapfile -t COMPREPLY < <(compgen -f -X "!*$2" -- "$1"; compgen -d -- "$1")
}

_clxent() {
    local program=$1 word=$2 command=${COMP_WORDS[1]} option=${COMP_WORDS[COMP_CWORD - 1]} value=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "--help --version $(_clxent_commands "$program")" -- "$word")
        return
    fi
    # bash takes "--option=value" for three words.
    if [[ $word == "=" ]]; then
        word=
    elif [[ $option == "=" ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [[ $option == --* ]]; then
        value=$(_clxent_value "$program" "$command" "$option")
    fi
    if [[ $option == --op || ($command == explain && $COMP_CWORD == 2 && $word != -*) ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_clxent_operations "$program")" -- "$word")
        return
    fi
    case $value in
    *.*) _clxent_files "$word" ".${value##*.}" ;;
    *"|"*) # one of these words, or a number, which has a capital letter there
        mapfile -t COMPREPLY < <(compgen -W "$(tr '|' '\n' <<<"$value" | grep -v '[A-Z]')" -- "$word")
        ;;
    ?*) ;; # something of the user's own
    *)
        if [[ $word == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$("$program" "$command" --help 2>/dev/null |
                sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p')" -- "$word")
        elif "$program" "$command" --help 2>/dev/null | grep -q '^Usage:.*\.npy'; then
            _clxent_files "$word" .npy
        fi
        ;;
    esac
}

complete -F _clxent clxent
