-- The audit trail. `hash` covers the row, its place, and the hash of the row before it.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT,
    detail TEXT NOT NULL,
    ip TEXT,
    request_id TEXT,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
