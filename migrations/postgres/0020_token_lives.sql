-- For how many seconds the tokens live that a key signs, at most: who signs says so before. Where that
-- becomes less, those that are out keep it, and so do their key and what takes them back.
ALTER TABLE signing_keys ADD COLUMN token_life BIGINT NOT NULL DEFAULT 0 CHECK (token_life >= 0);
