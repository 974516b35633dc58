-- +goose Up

-- A hit in the title weighs more. The grams are stored apart from the row and uncompressed: listing without a query
-- must not read past them, and checking a hit must not unpack them.
ALTER TABLE dataset_index ADD COLUMN title text NOT NULL DEFAULT '';
UPDATE dataset_index SET title = lower(concat_ws(E'\n', content #>> '{title,zh}', content #>> '{title,en}'));
ALTER TABLE dataset_index ALTER COLUMN title DROP DEFAULT;
ALTER TABLE dataset_index ALTER COLUMN grams SET STORAGE EXTERNAL;
