#!/bin/sh
# Writing to a distributed file system: publishes a directory there, whole, and never over a later leader's work.
# Run: leader is-leader && leader run --timeout 10s -- examples/jobs/publish.sh SOURCE SHARED
#
# SHARED becomes a symbolic link to a copy of SOURCE among SHARED.versions; whoever reads it sees the old version
# or the new one. The term stands in SHARED.term: a machine that froze while it led, and goes on when another one
# leads, is refused. Run twice, it finds that nothing has changed.
set -eu
: "${LEADER_TERM:?is not set: start this under leader run}"

if [ "${3-}" != fenced ]; then
    exec leader fence --timeout 1m "$2.term" -- "$0" "$1" "$2" fenced
fi

# From here on nothing else runs under SHARED.term.
source=$1
shared=$2
if [ -L "$shared" ] && diff -rq "$source" "$shared/" >/dev/null; then
    exit 0
fi
rm -rf "$shared.versions/.new" "$shared.new"
mkdir -p "$shared.versions/.new"
cp -R "$source/." "$shared.versions/.new/"
version=$(printf '%016d-%s' "$LEADER_TERM" "$(date +%s)")
mv -T "$shared.versions/.new" "$shared.versions/$version"
ln -s "$(basename "$shared").versions/$version" "$shared.new"
mv -T "$shared.new" "$shared"

# The last three stay, for readers that are in the middle of one, and for the way back.
set -- "$shared.versions"/*
while [ $# -gt 3 ]; do
    rm -rf "$1"
    shift
done
