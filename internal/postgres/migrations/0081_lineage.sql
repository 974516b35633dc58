-- +goose Up

-- What lineage tells of: the runs of pipelines, and replays of their rows.
CREATE VIEW lineage_run AS
    SELECT id, kind, pipeline, source, started_by, started_at, ended_at, state, rows_in, rows_stored, rows_known, rows_dead, error,
        NULL::uuid AS record_id
    FROM pipeline_run
    UNION ALL
    SELECT id, 'replay', pipeline, 'plinth.reading', actor, started_at, ended_at,
        CASE WHEN state IN ('cancelled', 'interrupted') THEN 'aborted' WHEN state IN ('applying', 'applied') THEN 'done' ELSE state END,
        rows, rows, 0, 0, error, record_id
    FROM replay;

-- How many events of a run the collector has: 1 that it began, 2 that it ended.
CREATE TABLE lineage_told (
    run  text PRIMARY KEY,
    told smallint NOT NULL CHECK (told IN (1, 2))
);
