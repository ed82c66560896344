-- A row for each guess, so that exactly one can be taken back; numbers are never used again.
CREATE TABLE guesses_one_by_one (
    number INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    at INTEGER NOT NULL
) STRICT;

INSERT INTO guesses_one_by_one (key, at)
WITH RECURSIVE numbers (number) AS (
    SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 100
)
SELECT key, last_at FROM guesses JOIN numbers ON number <= count;

DROP TABLE guesses;
ALTER TABLE guesses_one_by_one RENAME TO guesses;

CREATE INDEX guesses_by_key ON guesses (key, at);
CREATE INDEX guesses_by_age ON guesses (at);
