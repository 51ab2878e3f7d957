-- The table of postgres.sh, and the row that the leader writes; a term fits into a bigint.
-- Run: psql -f examples/fencing/postgres-table.sql, once
CREATE TABLE IF NOT EXISTS report (name text PRIMARY KEY, value text NOT NULL, token bigint NOT NULL);
INSERT INTO report VALUES ('daily', '', 0) ON CONFLICT DO NOTHING;
