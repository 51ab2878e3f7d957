#!/bin/sh
# A daemon that may run only once in the cluster: works through a shared directory of files, one after the other.
# Run on every node, by the service manager: leader run --forever -- examples/queue/consumer.sh /srv/queue HANDLER
#
# Who has something to do puts a file elsewhere on that file system, and renames it into QUEUE/new. HANDLER gets
# its path. What was at work when the consumer was stopped is done again by the next one, before anything else:
# each file is handled at least once. One that fails is put aside in QUEUE/failed.
set -eu
handler=$2
cd "$1"
mkdir -p new work handled failed

while :; do
    for file in work/* new/*; do
        [ -e "$file" ] || continue
        name=${file##*/}
        [ "$file" = "work/$name" ] || mv "$file" work/
        status=0
        "$handler" "$PWD/work/$name" || status=$?
        # ended by a signal: it has not failed, it was stopped
        [ "$status" -lt 128 ] || exit "$status"
        if [ "$status" -eq 0 ]; then mv "work/$name" handled/; else mv "work/$name" failed/; fi
    done
    sleep "${PAUSE:-1}"
done
