-- +goose Up

-- What each member of the ingest has counted since it began, by domain, so that the service shows the rates of all.
ALTER TABLE ingest_member ADD COLUMN counts jsonb NOT NULL DEFAULT '[]';

-- Whoever changes an alarm, all who listen hear of it.
-- +goose StatementBegin
CREATE FUNCTION alarm_news() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('alarm', NEW.id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alarm_news AFTER INSERT OR UPDATE OF record_id ON alarm FOR EACH ROW EXECUTE FUNCTION alarm_news();
