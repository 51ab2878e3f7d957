-- The tables of roll-up.sh: visits one by one, the same by month and page, and the highest term that wrote.
-- Run: psql -f examples/jobs/roll-up-tables.sql, once; a term fits into a bigint.
CREATE TABLE IF NOT EXISTS visit (at timestamptz NOT NULL, page text NOT NULL, took_ms integer NOT NULL);
CREATE TABLE IF NOT EXISTS visits_by_month (
    month date, page text, visits bigint NOT NULL, took_ms numeric NOT NULL, PRIMARY KEY (month, page));
CREATE TABLE IF NOT EXISTS fence (name text PRIMARY KEY, term bigint NOT NULL);
INSERT INTO fence VALUES ('visits_by_month', 0) ON CONFLICT DO NOTHING;
