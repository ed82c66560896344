-- The audit trail. `hash` covers the row, its place, and the hash of the row before it.
CREATE TABLE audit (
    sequence BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT,
    detail TEXT NOT NULL,
    ip TEXT,
    request_id TEXT,
    hash BYTEA NOT NULL CHECK (octet_length(hash) = 32)
);
