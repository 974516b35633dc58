-- +goose Up

-- The flags of any row of the hour, so that a long series can be read from its hours. An hour computed before has 0 and
-- says by flagged that it does not know.
ALTER TABLE plinth.reading_hour ADD COLUMN IF NOT EXISTS flags UInt16 DEFAULT 0 CODEC(ZSTD(1)) AFTER flagged;
