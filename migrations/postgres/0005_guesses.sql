-- Failed guesses at passwords, under a keyed hash of whose they are.
CREATE TABLE guesses (
    key BYTEA PRIMARY KEY CHECK (octet_length(key) = 32),
    count BIGINT NOT NULL CHECK (count > 0),
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);

CREATE INDEX guesses_by_age ON guesses (last_at);
