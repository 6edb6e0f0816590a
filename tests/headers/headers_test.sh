#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# headers_test.sh c|cxx|defined INCLUDE CC CXX NM ARCHIVE...
what=$1 include=$2 cc=$3 cxx=$4 nm=$5
shift 5
failed=0

# alone LANGUAGE COMPILER...: each header, twice in one file: it needs no other before it and has its guard.
alone() {
    language=$1
    shift
    for header in "$include"/zoe/*.h; do
        name=zoe/${header##*/}
        if ! printf '#include <%s>\n#include <%s>\nextern int nothing;\n' "$name" "$name" |
            "$@" -Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -I "$include" -x "$language" -; then
            echo "FAILED: $name does not stand alone; again: echo '#include <$name>' | $* -fsyntax-only -I $include -x $language -"
            failed=1
        fi
    done
}

# What the headers declare (names before a parenthesis that begin with zoe_), without types and inline functions.
declared() {
    cat "$include"/zoe/*.h | "$cc" -std=c11 -I "$include" -E -P -x c - |
        tr '\n' ' ' | sed 's/static inline [^{]*{[^}]*}//g; s/typedef [^;{]*;//g' |
        grep -o 'zoe_[a-z0-9_]*(' | tr -d '(' | sort -u
}

case $what in
c) alone c "$cc" -std=c11 -Wstrict-prototypes -Wmissing-prototypes ;;
cxx)
    case $cxx in '' | *NOTFOUND)
        echo "SKIPPED: no C++ compiler here (g++ is one)"
        exit 77
        ;;
    esac
    alone c++ "$cxx" -std=c++17
    ;;
defined)
    symbols=$("$nm" --defined-only "$@" 2>/dev/null | awk '$2 ~ /^[TDRB]$/ {print $3}' | sort -u)
    names=$(declared)
    count=$(printf '%s\n' "$names" | grep -c .)
    echo "$count functions declared"
    [ "$count" -ge 100 ] || { echo "FAILED: too few declarations were found: the test does not see them"; failed=1; }
    for name in $names; do
        printf '%s\n' "$symbols" | grep -qx "$name" || { echo "FAILED: $name is declared, but nowhere defined"; failed=1; }
    done
    ;;
esac
exit $failed
