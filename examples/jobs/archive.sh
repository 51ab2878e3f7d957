#!/bin/sh
# Archiving data outside of the usual backups: one checked archive a day, of which the newest stay (30 of them).
# Run: leader once archive --overlap skip --max-run 4h -- examples/jobs/archive.sh DIRECTORY ARCHIVES [COUNT]
#
# Writes ARCHIVES/NAME-DAY.tar.gz with its SHA-256 beside it. Run twice, it checks what is there and leaves it,
# or writes it anew if it is damaged. Nothing old is removed before the new archive has been read back.
set -eu

directory=$1
archives=$2
count=${3:-30}
name=$(basename "$directory")
archive=$name-$(date +%Y-%m-%d).tar.gz

cd "$archives"
if [ -e "$archive.sha256" ] && sha256sum --status --check "$archive.sha256"; then
    exit 0
fi

new=$(mktemp ".$archive.XXXXXX")
trap 'rm -f "$new" "$new.sum"' EXIT
trap 'exit 143' TERM
tar -C "$(dirname "$directory")" -czf "$new" "$name"
tar -tzf "$new" >/dev/null
chmod 640 "$new"
sync "$new"
rm -f "$archive.sha256"
mv "$new" "$archive"
sha256sum "$archive" >"$new.sum"
mv "$new.sum" "$archive.sha256"

set -- "$name"-????-??-??.tar.gz
while [ $# -gt "$count" ]; do
    rm -f "$1" "$1.sha256"
    shift
done
