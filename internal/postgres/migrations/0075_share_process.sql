-- +goose Up

-- The process that uses the member's name now.
ALTER TABLE ingest_member ADD COLUMN process uuid NOT NULL DEFAULT gen_random_uuid();
