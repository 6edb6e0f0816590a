# SPDX-License-Identifier: Apache-2.0
# For the scripts beside it: `zoe` is the binary, $work a folder that goes away, check runs and judges.
zoe=$1
work=$(mktemp -d /tmp/zoe-cli-XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
checks=0
failed=0

# check CODE PATTERN ARGUMENTS...: zoe must end with CODE within two minutes ($limit seconds) and say PATTERN on stderr. A failure must end with one line
# `zoe: TEXT`; a crash or a hang fails. "" = any text.
check() {
    wanted=$1
    pattern=$2
    shift 2
    checks=$((checks + 1))
    timeout "${limit:-120}" "$zoe" "$@" >out 2>err
    code=$?
    problem=
    [ "$code" -eq "$wanted" ] || problem="exit code $code, not $wanted"
    [ -z "$pattern" ] || grep -q -e "$pattern" err || problem="$problem; stderr lacks '$pattern'"
    [ "$code" -eq 0 ] || tail -n 1 err | grep -q '^zoe: .' || problem="$problem; no line 'zoe: TEXT' at the end"
    if [ -n "$problem" ]; then
        failed=$((failed + 1))
        echo "FAILED: zoe $*: $problem"
        tail -n 5 err | sed 's/^/    /'
    fi
}

# expect "what" COMMAND...: the command must succeed.
expect() {
    what=$1
    shift
    checks=$((checks + 1))
    if ! "$@"; then
        failed=$((failed + 1))
        echo "FAILED: $what"
    fi
}

# value KEY: the first one of that name in the JSON that the last check printed (one key a line).
value() {
    sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" out | head -n 1
}

# is EXPRESSION: arithmetic that awk finds true.
is() {
    awk "BEGIN { exit !($1) }"
}

finish() {
    echo "$checks checks, $failed failed"
    [ "$failed" -eq 0 ]
}

# sha RUN: the hash of its weights.
sha() {
    "$zoe" info "$1" --json | sed -n 's/.*"weights_sha256": "\([0-9a-f]*\)".*/\1/p'
}
