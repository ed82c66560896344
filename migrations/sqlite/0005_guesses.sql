-- Failed guesses at passwords, under a keyed hash of whose they are.
CREATE TABLE guesses (
    key BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
    count INTEGER NOT NULL CHECK (count > 0),
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX guesses_by_age ON guesses (last_at);
