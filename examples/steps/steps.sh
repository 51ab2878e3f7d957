#!/bin/sh
# A long loop that asks before each step whether this node still leads, and for long enough to finish the step.
# Run from every node's crontab: leader is-leader && examples/steps/steps.sh COMMAND ITEM...
#
# COMMAND gets one ITEM after the other; one call of it may take STEP (2s), which is well below the lease. The loop
# ends with 75 where it may not go on. A planned hand-over does not wait for a step that has begun: where that
# matters, `leader run` starts the whole loop, and ends it before another node leads.
set -eu
command=$1
shift

for item in "$@"; do
    if ! leader is-leader --for "${STEP:-2s}"; then
        echo "steps.sh: this node does not lead for ${STEP:-2s} more: stopped before $item" >&2
        exit 75
    fi
    "$command" "$item"
done
