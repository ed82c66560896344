-- What the revocation feed says, written by the database itself: whoever ends a session, raises an
-- account's version or erases an account, of whatever release, can't forget it.

-- The number of what the feed says. There is one writer, so numbers become visible in their order.
CREATE TABLE feed (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    seq INTEGER NOT NULL CHECK (seq >= 0)
) STRICT;

INSERT INTO feed (id, seq) VALUES (1, 0);

-- `leaves_at` is empty until a process with a clock has seen the row.
CREATE TABLE ended_sessions (
    session_id BLOB PRIMARY KEY NOT NULL CHECK (length(session_id) = 16),
    account_id BLOB NOT NULL CHECK (length(account_id) = 16),
    seq INTEGER NOT NULL,
    leaves_at INTEGER
) STRICT;

CREATE INDEX ended_sessions_by_account ON ended_sessions (account_id);

-- Accounts, also those that are gone, with the lowest version that a token may have.
CREATE TABLE raised_versions (
    account_id BLOB PRIMARY KEY NOT NULL CHECK (length(account_id) = 16),
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    leaves_at INTEGER
) STRICT;

CREATE TRIGGER feed_session_ended AFTER UPDATE OF ended_at ON sessions
WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
BEGIN
    UPDATE feed SET seq = seq + 1 WHERE id = 1;
    INSERT INTO ended_sessions (session_id, account_id, seq)
    SELECT NEW.id, NEW.account_id, seq FROM feed WHERE id = 1
    ON CONFLICT DO NOTHING;
END;

-- Tokens of sessions that ended before have a lower version.
CREATE TRIGGER feed_version_raised AFTER UPDATE OF version ON accounts
WHEN NEW.version > OLD.version
BEGIN
    UPDATE feed SET seq = seq + 1 WHERE id = 1;
    DELETE FROM ended_sessions WHERE account_id = NEW.id;
    INSERT INTO raised_versions (account_id, version, seq)
    SELECT NEW.id, NEW.version, seq FROM feed WHERE id = 1
    ON CONFLICT (account_id) DO UPDATE
    SET version = max(raised_versions.version, excluded.version), seq = excluded.seq,
        leaves_at = NULL;
END;

CREATE TRIGGER feed_account_gone AFTER DELETE ON accounts
BEGIN
    UPDATE feed SET seq = seq + 1 WHERE id = 1;
    DELETE FROM ended_sessions WHERE account_id = OLD.id;
    INSERT INTO raised_versions (account_id, version, seq)
    SELECT OLD.id, OLD.version + 1, seq FROM feed WHERE id = 1
    ON CONFLICT (account_id) DO UPDATE
    SET version = max(raised_versions.version, excluded.version), seq = excluded.seq,
        leaves_at = NULL;
END;

-- Since which number a refused key is listed.
ALTER TABLE refused_kids ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER feed_key_refused AFTER INSERT ON refused_kids
BEGIN
    UPDATE feed SET seq = seq + 1 WHERE id = 1;
    UPDATE refused_kids SET seq = (SELECT seq FROM feed WHERE id = 1) WHERE kid = NEW.kid;
END;
