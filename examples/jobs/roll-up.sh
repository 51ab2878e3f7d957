#!/bin/sh
# The monthly roll-up of analytics data in PostgreSQL: last month's visits by page, in one fenced transaction.
# Run: leader once roll-up --rerun-interrupted -- examples/jobs/roll-up.sh [YYYY-MM]
#
# PGHOST, PGDATABASE and the like say where the server is; roll-up-tables.sql has the tables. Run twice, it counts
# the month anew and puts that in the place of what was there; a leader of yesterday is refused. So it may well
# be started again when the machine that had it died: --rerun-interrupted.
set -eu
: "${LEADER_TERM:?is not set: start this under leader once or leader run}"
export PGTZ=UTC

month=${1:-$(date -u -d "$(date -u +%Y-%m-01) -1 day" +%Y-%m)}

# The row of the term is locked first and until the end, so a later leader waits for this one or goes before it.
seen=$(psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 \
    --set month="$month-01" --set term="$LEADER_TERM" <<'END'
BEGIN;
UPDATE fence SET term = :'term' WHERE name = 'visits_by_month' AND term <= :'term';
SELECT term AS seen, term = :'term' AS ours FROM fence WHERE name = 'visits_by_month' \gset
\if :ours
DELETE FROM visits_by_month WHERE month = :'month';
INSERT INTO visits_by_month
    SELECT :'month'::date, page, count(*), round(avg(took_ms), 1) FROM visit
    WHERE at >= :'month'::date AND at < :'month'::date + interval '1 month' GROUP BY page;
\endif
COMMIT;
\echo :seen
END
)
if [ "$seen" != "$LEADER_TERM" ]; then
    echo "roll-up.sh: $month was rolled up by term $seen, and ours is $LEADER_TERM: nothing was changed" >&2
    exit 1
fi
