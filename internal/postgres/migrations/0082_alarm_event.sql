-- +goose Up

-- The number of an alarm's event when it is of a home: the alarm's own id follows from its device and its rule, so that
-- who tries them all out finds the home.
ALTER TABLE alarm ADD COLUMN event_id uuid NOT NULL DEFAULT gen_random_uuid();
