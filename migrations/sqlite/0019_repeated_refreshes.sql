-- How often a refresh token of the session was answered once more within its grace, and when the last
-- time was: a lost answer, a second tab, or somebody who shares the session. Its owner sees it.
ALTER TABLE sessions ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0 CHECK (repeats >= 0);
ALTER TABLE sessions ADD COLUMN repeated_at INTEGER;
