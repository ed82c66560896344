-- A row for each guess, so that exactly one can be taken back; numbers are never used again.
CREATE TABLE guesses_one_by_one (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key BYTEA NOT NULL CHECK (octet_length(key) = 32),
    at BIGINT NOT NULL
);

INSERT INTO guesses_one_by_one (key, at)
SELECT key, last_at FROM guesses JOIN generate_series(1, 100) AS number ON number <= count;

DROP TABLE guesses;
ALTER TABLE guesses_one_by_one RENAME TO guesses;

CREATE INDEX guesses_by_key ON guesses (key, at);
CREATE INDEX guesses_by_age ON guesses (at);
