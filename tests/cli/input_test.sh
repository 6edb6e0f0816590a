#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bad input: a clear line and the documented exit code for each. Usage: input_test.sh ZOE
. "$(dirname "$0")/lib.sh"

# ---- words and options ----
check 2 'verb is missing'
check 2 "did you mean 'train'" trian
check 2 'unknown verb' elephant
check 0 '' --help
check 0 '' --version
check 0 '' help --man
check 0 '' help --completion
for verb in help train info tasks backbones; do check 0 '' "$verb" --help; done
check 2 "did you mean '--steps'" train shuffle-learn . --out r --stesp 3
check 2 "unknown option -q" train shuffle-learn . --out r -q
check 2 "did you mean 'shuffle-learn'" train shufle-learn . --out r
check 2 "did you mean 'resnet18'" train shuffle-learn . --out r --net resnet-18
check 2 'not an integer' train shuffle-learn . --out r --steps many
check 2 'at least 1 steps' train shuffle-learn . --out r --steps 0
check 2 'at most 0.95' train shuffle-learn . --out r --holdout 1
check 2 "did you mean 'cosine'" train shuffle-learn . --out r --schedule cosinus
check 2 'needs a value' train shuffle-learn . --out
check 2 'takes no value' train shuffle-learn . --out r --resume=yes
check 2 'too few words' train shuffle-learn
check 2 '\-\-out RUN is missing' train shuffle-learn .
check 2 'only one of them' train shuffle-learn . --out r --resume --force
check 3 'not a multiple' train shuffle-learn . --out r --batch 5 --micro 2
check 3 'must be more than 0' train shuffle-learn . --out r --lr 0
check 3 'more than --tau-max' train shuffle-learn . --out r --near 9 --dry-run
check 2 'nothing.txt' train @nothing.txt
printf '%s\n' '# options' '--steps 0' > options.txt
check 2 'at least 1 steps' train shuffle-learn . --out r @options.txt
printf '@loop.txt\n' > loop.txt
check 2 'nested deeper' train @loop.txt
printf 'a\0b' > binary.txt
check 2 'not a text file' train @binary.txt
expect 'none of these made a folder' [ ! -e r ]

# ---- devices ----
check 5 '' train shuffle-learn . --out r --device warp-drive:0
expect 'a missing device makes no folder' [ ! -e r ]

# ---- clips ----
mkdir empty
check 4 'nowhere' train shuffle-learn nowhere --out r
check 4 '' train shuffle-learn empty --out r
printf 'this is no film\n' > text.mp4
check 4 '' train shuffle-learn text.mp4 --out r
: > zero.mp4
check 4 '0 bytes' train shuffle-learn zero.mp4 --out r
mkfifo pipe.mp4
check 4 '' train shuffle-learn pipe.mp4 --out r
expect 'unusable clips leave no folder' [ ! -e r ]
check 4 'labels' train shuffle-learn empty --labels nowhere.csv --out r

# ---- what is no run, no checkpoint ----
check 4 'no such file' info nowhere
check 4 'neither a run' info empty
check 4 'not a checkpoint' info text.mp4
check 2 'not a run folder' info text.mp4 --plan
finish
