#!/bin/sh
# Writes a key of one Redis server, unless a later leader has written it.
# Run: REDIS_URL=redis://10.0.0.9:6379 leader run -- examples/fencing/redis.sh report TEXT
#
# This is the server that keeps your data, and none that elects.
set -eu
: "${LEADER_TERM:?is not set: start this under leader run}"

answer=$(redis-cli -u "${REDIS_URL:-redis://127.0.0.1:6379}" \
    EVAL "$(cat "$(dirname "$0")/redis.lua")" 1 "$1" "$LEADER_TERM" "$2")
case $answer in
OK) exit 0 ;;
*[!0-9]* | '') echo "redis.sh: $1 could not be written: ${answer:-no answer}" >&2 ;;
*) echo "redis.sh: $1 was written by term $answer, and ours is $LEADER_TERM: nothing was changed" >&2 ;;
esac
exit 1
