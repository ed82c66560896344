-- Whether the head of the session's family is kept elsewhere. `generation` means nothing then, and
-- `advanced_at` may be behind.
ALTER TABLE sessions ADD COLUMN detached INTEGER NOT NULL DEFAULT 0 CHECK (detached IN (0, 1));
