-- Operators read the outbox newest first, however much waits in it.
CREATE INDEX outbox_by_creation ON outbox (created_at, id);
