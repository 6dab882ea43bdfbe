#!/usr/bin/env bash
# The reference of the interface, from include/*.h into build-docs/html/. Installs Doxygen where it is missing (Debian).
# A name of the header without a description is an error, and so is a function that does not list its errors, and a link from
# one page of the project to another that leads nowhere.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What Doxygen does not look at: every function that returns a status says which, in the comment right before it, and every value
# of an enum has a comment behind it or before.
check_header() {
    awk 'function complain(what) { print FILENAME ":" FNR ": " what; bad = 1 }
        /^\/\*\*/ { text = "" }
        { text = text $0 "\n" }
        /^CLXENT_API clxent_status/ && text !~ /Errors:/ { complain("it does not say which errors it gives") }
        /^ +CLXENT_[A-Z0-9_]+ = / && !/\/\*\*</ && before !~ /\*\/$/ { complain("the value has no description") }
        { before = $0 }
        END { exit bad }' include/clxent.h include/clxent_mpi.h
}

# Files that links name, relative to the page.
check_links() {
    local page link status=0
    while IFS= read -r page; do
        while IFS= read -r link; do
            if [[ ! -e $(dirname "$page")/$link ]]; then
                echo "$page links to $link, which is not there"
                status=1
            fi
        done < <(grep -oE '\]\([^)# ]+' "$page" | cut -c3- | grep -v '://')
    done < <(find . -name '*.md' -not -path './build*')
    return "$status"
}

install_packages "${docs_packages[@]}"
part() {
    sed -nE "s/^#define CLXENT_VERSION_$1 ([0-9]+).*/\1/p" include/clxent.h
}
mkdir -p build-docs
{
    cat docs/Doxyfile
    echo "PROJECT_NUMBER = $(part MAJOR).$(part MINOR).$(part PATCH)"
} | doxygen -
check_header
check_links
echo "build-docs/html/index.html"
