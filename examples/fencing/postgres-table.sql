-- Once: the table, and the row that the leader writes. A term fits into a bigint.
CREATE TABLE IF NOT EXISTS report (name text PRIMARY KEY, value text NOT NULL, token bigint NOT NULL);
INSERT INTO report VALUES ('daily', '', 0) ON CONFLICT DO NOTHING;
