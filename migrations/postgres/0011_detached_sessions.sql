-- Whether the head of the session's family is kept elsewhere. `generation` means nothing then, and
-- `advanced_at` may be behind.
ALTER TABLE sessions ADD COLUMN detached BOOLEAN NOT NULL DEFAULT false;
