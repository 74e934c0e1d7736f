#!/bin/bash
# One stage in parts on whatever runs commands; here on this machine with xargs, 4 at a time:
#   pipelines/cluster/shards.sh align pipelines/celeba.toml 16
# `faceprep select -c pipelines/celeba.toml` must run once before: it decides the shards.
# With a 4th argument `print` it prints the commands, for ssh, GNU parallel or another queue.
set -eu
stage=$1 config=$2 parts=${3:-16} how=${4:-run}
lines() {
    for part in $(seq "$parts"); do
        printf 'faceprep %q -c %q --only --shard %q -j 1\n' "$stage" "$config" "$part/$parts"
    done
}
# Exit code 3 means that all is done, but some faces failed; that is no reason to stop.
if [ "$how" = print ]; then lines; else lines | tr '\n' '\0' | xargs -0 -P 4 -I {} bash -c '{} || test $? -eq 3'; fi
