#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install_test.sh CMAKE BUILD CC CONSUMER.c SANITIZERS
set -u
cmake=$1 build=$2 cc=$3 consumer=$4 sanitize=$5
work=$(mktemp -d /tmp/zoe-install-XXXXXX)
trap 'rm -rf "$work"' EXIT

die() {
    echo "FAILED: $1"
    exit 1
}

"$cmake" --install "$build" --prefix "$work/first" >"$work/log" 2>&1 || { cat "$work/log"; die "cmake --install"; }
mv "$work/first" "$work/moved" # nothing in it may know where it was made
pc=$(find "$work/moved" -name zoetrope.pc)
[ -n "$pc" ] || die "no zoetrope.pc was installed"
export PKG_CONFIG_PATH="${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"

flags=$(pkg-config --cflags zoetrope) && libraries=$(pkg-config --libs zoetrope) || die "pkg-config zoetrope"
extra=
[ -z "$sanitize" ] || extra=-fsanitize=$sanitize
# shellcheck disable=SC2086
"$cc" -std=c11 -Wall -Wextra -Werror $extra "$consumer" $flags $libraries -o "$work/consumer" || die "the consumer does not build"
"$work/consumer" || die "the consumer does not work"

said=$("$work/moved/bin/zoe" --version) || die "the installed zoe does not start"
[ "$said" = "zoe $(pkg-config --modversion zoetrope)" ] || die "zoe says '$said', zoetrope.pc says $(pkg-config --modversion zoetrope)"
verbs=$("$work/moved/bin/zoe" --help | sed -n '/^Verbs/,/^$/s/^    \([a-z]*\) .*/\1/p')
[ -n "$verbs" ] || die "zoe --help lists no verb"
for verb in $verbs; do
    page=$(find "$work/moved" -name "zoe-$verb.1")
    [ -n "$page" ] && grep -q '^\.SH OPTIONS' "$page" || die "no man page of zoe $verb"
done
[ -n "$(find "$work/moved" -name zoe.1)" ] || die "no man page of zoe"
bash -n "$work/moved/share/bash-completion/completions/zoe" || die "the completions are no bash"
echo "installed, moved and used: $said"
