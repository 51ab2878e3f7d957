#!/bin/sh
# Writes a file, unless a later leader has written it.
# Run: leader run -- examples/fencing/file.sh /srv/shared/report TEXT
#
# The highest term is kept beside it. Both may be on a file system that nodes share, if its locks hold between them.
set -eu

# shellcheck disable=SC2016
exec leader fence "$1.term" -- sh -c 'printf "%s\n" "$2" >"$1.new" && mv "$1.new" "$1"' file.sh "$1" "$2"
