-- What the revocation feed says, written by the database itself: whoever ends a session, raises an
-- account's version or erases an account, of whatever release, can't forget it.

-- The number of what the feed says. A transaction that changes it holds this row until it is over,
-- so numbers become visible in their order.
CREATE TABLE feed (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL CHECK (seq >= 0)
);

INSERT INTO feed (id, seq) VALUES (1, 0);

-- `leaves_at` is empty until a process with a clock has seen the row.
CREATE TABLE ended_sessions (
    session_id UUID PRIMARY KEY,
    account_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    leaves_at BIGINT
);

CREATE INDEX ended_sessions_by_account ON ended_sessions (account_id);

-- Accounts, also those that are gone, with the lowest version that a token may have.
CREATE TABLE raised_versions (
    account_id UUID PRIMARY KEY,
    version BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    leaves_at BIGINT
);

-- The transaction's number: drawn once, kept in a setting that ends with the transaction.
CREATE FUNCTION feed_draw() RETURNS BIGINT
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    drawn BIGINT := nullif(current_setting('signet.feed_seq', true), '')::BIGINT;
BEGIN
    IF drawn IS NULL THEN
        UPDATE feed SET seq = seq + 1 WHERE id = 1 RETURNING seq INTO STRICT drawn;
        PERFORM set_config('signet.feed_seq', drawn::TEXT, true);
    END IF;
    RETURN drawn;
END
$$;

CREATE FUNCTION feed_session_ended() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO ended_sessions (session_id, account_id, seq)
    VALUES (NEW.id, NEW.account_id, feed_draw())
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

-- Tokens of sessions that ended before have a lower version.
CREATE FUNCTION feed_raise(account UUID, lowest BIGINT) RETURNS VOID
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    drawn BIGINT := feed_draw();
BEGIN
    DELETE FROM ended_sessions WHERE account_id = account;
    INSERT INTO raised_versions (account_id, version, seq) VALUES (account, lowest, drawn)
    ON CONFLICT (account_id) DO UPDATE
    SET version = greatest(raised_versions.version, excluded.version), seq = excluded.seq,
        leaves_at = NULL;
END
$$;

CREATE FUNCTION feed_version_raised() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM feed_raise(NEW.id, NEW.version);
    RETURN NULL;
END
$$;

CREATE FUNCTION feed_account_gone() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM feed_raise(OLD.id, OLD.version + 1);
    RETURN NULL;
END
$$;

-- They run at the commit, behind every lock of the transaction: `feed` is the last one it takes.
CREATE CONSTRAINT TRIGGER feed_session_ended AFTER UPDATE OF ended_at ON sessions
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
EXECUTE FUNCTION feed_session_ended();

CREATE CONSTRAINT TRIGGER feed_version_raised AFTER UPDATE OF version ON accounts
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (NEW.version > OLD.version)
EXECUTE FUNCTION feed_version_raised();

CREATE CONSTRAINT TRIGGER feed_account_gone AFTER DELETE ON accounts
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
EXECUTE FUNCTION feed_account_gone();

-- Since which number a refused key is listed.
ALTER TABLE refused_kids ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;

CREATE FUNCTION feed_key_refused() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE refused_kids SET seq = feed_draw() WHERE kid = NEW.kid;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER feed_key_refused AFTER INSERT ON refused_kids
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
EXECUTE FUNCTION feed_key_refused();
