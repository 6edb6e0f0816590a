#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs_test.sh SOURCE: what the documents name must exist: links, files, functions, variables of the environment, listings.
cd "$1" || exit 1
documents="README.md CONTRIBUTING.md examples/README.md docs/*.md"
failed=0
checks=0

bad() {
    failed=$((failed + 1))
    echo "FAILED: $1"
}

# names PATTERN FILES...: each text that fits, once.
names() {
    pattern=$1
    shift
    grep -oh -e "$pattern" "$@" | sort -u
}

# Does a word stand in the sources?
known() {
    grep -rqw -e "$1" include host media cl cmake tests/ops tests/CMakeLists.txt
}

links() {
    for document in $documents; do
        for target in $(names ']([^)#: ]*' "$document" | sed 's/^](//'); do
            checks=$((checks + 1))
            [ -e "$(dirname "$document")/$target" ] || bad "$document: link to $target"
        done
    done
}

# `host/ops/relu.c`; those that stand for a file to be written have NAME or time_arrow in them.
files() {
    # shellcheck disable=SC2086
    for file in $(names '`\(host\|cl\|media\|include\|cmake\|tests\|docs\|examples\)/[A-Za-z0-9_/.-]*`' $documents | tr -d '`'); do
        case $file in *NAME* | *time_arrow*) continue ;; esac
        checks=$((checks + 1))
        [ -e "$file" ] || bad "no file $file"
    done
}

# `zoe_plan_new()`, `draw_window()`, `zoe__plan_halo`.
functions() {
    # shellcheck disable=SC2086
    for name in $(names '`[a-z_0-9]*()`\|`zoe__*[a-z0-9_]*`' $documents | tr -d '`()'); do
        case $name in zoe | zoe_noun_verb | zoe__noun_verb | load_state_dict) continue ;; esac
        checks=$((checks + 1))
        known "$name" || bad "no function or type $name"
    done
}

# What the program asks the environment for is told, and what is told is asked for.
environment() {
    for name in $(grep -rhoE '(getenv|zoe__environment)\("[A-Z_]*"' host media tests | sed 's/.*"\(.*\)"/\1/' | sort -u); do
        case $name in HOME | XDG_CACHE_HOME | PATH) continue ;; esac
        checks=$((checks + 1))
        grep -q -e "\`$name" docs/formats.md docs/testing.md || bad "the variable $name stands in no document"
    done
    for name in $(names '^| `ZOE_[A-Z_]*' docs/formats.md docs/testing.md | tr -d '|` '); do
        checks=$((checks + 1))
        grep -rq -e "\"$name\"" host media tests || bad "nothing reads the variable $name"
    done
}

# Options of the program that a document shows.
options() {
    # shellcheck disable=SC2086
    for option in $(names '^    zoe .*' $documents | grep -o -e ' --[a-z-]*' | sort -u); do
        checks=$((checks + 1))
        grep -rqF "\"${option#--}\"" host media || [ "$option" = --help ] || bad "no option $option"
    done
}

# The listings of adding-an-op.md are lines of the files they show.
listings() {
    cat host/ops/relu.c cl/relu.cl tests/ops/relu_test.c | sed 's/[ \t]//g' >"$work"
    awk '/^```/ {inside = $0 == "```c"; next} inside' docs/adding-an-op.md | sed 's/[ \t]//g' | grep . | grep -v '^[{}]*;*$' | sort -u >"$work.lines"
    while IFS= read -r line; do
        checks=$((checks + 1))
        grep -qxF -e "$line" "$work" || bad "docs/adding-an-op.md: not a line of relu: $line"
    done <"$work.lines"
}

work=$(mktemp /tmp/zoe-docs-XXXXXX)
trap 'rm -f "$work" "$work.lines"' EXIT
links
files
functions
environment
options
listings
echo "$checks checks, $failed failed"
[ "$failed" -eq 0 ] && [ "$checks" -ge 200 ]
