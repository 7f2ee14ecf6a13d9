-- Version 4 of the schema: ends that were meant, which lists leave out unless they are asked for. What was stored before is
-- shown.
ALTER TABLE incident ADD COLUMN orderly INTEGER NOT NULL DEFAULT 0;
