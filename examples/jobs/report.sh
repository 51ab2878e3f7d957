#!/bin/sh
# A report: how many requests each web server answered on a day (yesterday), and how many of them failed.
# Run: leader once report -- examples/jobs/report.sh LOGS REPORTS [YYYY-MM-DD]
#
# Reads LOGS/SERVER/DAY.log in the common log format and writes REPORTS/DAY.txt, on file systems that the nodes
# share. Run twice, it writes the same again: the file is there whole or not at all.
set -eu

logs=$1
reports=$2
day=${3:-$(date -d yesterday +%Y-%m-%d)}

set -- "$logs"/*/"$day.log"
if [ ! -e "$1" ]; then
    echo "report.sh: there is no log of $day under $logs: is it mounted?" >&2
    exit 1
fi

mkdir -p "$reports"
new=$(mktemp "$reports/.$day.XXXXXX")
trap 'rm -f "$new"' EXIT
trap 'exit 143' TERM
{
    echo "requests of $day"
    for log; do
        server=$(basename "$(dirname "$log")")
        awk -v server="$server" '
            { requests++; if ($9 >= 500) failed++ }
            END { printf "%-12s %8d %8d failed\n", server, requests, failed }' "$log"
    done
} >"$new"
chmod 644 "$new"
mv "$new" "$reports/$day.txt"
