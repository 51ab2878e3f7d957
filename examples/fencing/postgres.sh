#!/bin/sh
# Writes a row of a PostgreSQL table, unless a later leader has written it.
# Run: leader run -- examples/fencing/postgres.sh daily TEXT
#
# PGHOST, PGDATABASE and the like say where the server is, and postgres-table.sql has the table.
set -eu
: "${LEADER_TERM:?is not set: start this under leader run}"

sql() {
    psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 \
        --set name="$1" --set value="$2" --set term="$LEADER_TERM"
}

# The condition is judged when the row is locked, so of two that write at once the later term stays.
written=$(sql "$1" "$2" <<'END'
UPDATE report SET value = :'value', token = :'term' WHERE name = :'name' AND token <= :'term' RETURNING token;
END
)
[ -z "$written" ] || exit 0

seen=$(echo "SELECT token FROM report WHERE name = :'name';" | sql "$1" "$2")
if [ -z "$seen" ]; then
    echo "postgres.sh: report has no row $1: insert it with token 0; nothing was changed" >&2
else
    echo "postgres.sh: $1 was written by term $seen, and ours is $LEADER_TERM: nothing was changed" >&2
fi
exit 1
