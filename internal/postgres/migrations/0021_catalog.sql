-- +goose Up

-- +goose StatementBegin
-- Published things do not change: a trigger says so even to those who could.
CREATE FUNCTION frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd

CREATE SEQUENCE dataset_code;

-- What a reader sees stands in the published revision; a registration under way proposes another one.
CREATE TABLE dataset (
    id            text        PRIMARY KEY,
    code          text        UNIQUE,
    state         text        NOT NULL CHECK (state IN ('draft', 'submitted', 'returned', 'accepted', 'in_review', 'public_notice',
                              'registered', 'rejected', 'cancelled')),
    revision      integer     NOT NULL DEFAULT 0 CHECK (revision >= 0),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    registered_at timestamptz,
    valid_until   timestamptz,
    CHECK ((state IN ('registered', 'cancelled')) = (revision > 0)),
    CHECK ((revision > 0) = (code IS NOT NULL)),
    CHECK ((revision > 0) = (registered_at IS NOT NULL))
);

CREATE TABLE registration (
    id         text        PRIMARY KEY,
    dataset    text        NOT NULL REFERENCES dataset,
    kind       text        NOT NULL CHECK (kind IN ('initial', 'change', 'correction', 'cancellation')),
    state      text        NOT NULL CHECK (state IN ('draft', 'submitted', 'returned', 'accepted', 'in_review', 'public_notice',
                           'registered', 'rejected', 'withdrawn')),
    proposal   jsonb       NOT NULL,
    before     jsonb       NOT NULL, -- what was published when it was opened
    publisher  text        NOT NULL REFERENCES agent,
    waits_on   text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    due_at     timestamptz,
    submitter  text,
    rules      jsonb       NOT NULL DEFAULT '{}',
    CHECK ((state IN ('registered', 'rejected', 'withdrawn')) = (waits_on IS NULL))
);
-- One registration at a time.
CREATE UNIQUE INDEX registration_under_way ON registration (dataset) WHERE waits_on IS NOT NULL;
CREATE INDEX registration_dataset ON registration (dataset, id);
CREATE INDEX registration_due ON registration (due_at NULLS LAST, id) WHERE waits_on IS NOT NULL;

-- Every published revision of every dataset.
CREATE TABLE dataset_revision (
    dataset      text        NOT NULL REFERENCES dataset,
    number       integer     NOT NULL CHECK (number > 0),
    registration text        NOT NULL UNIQUE REFERENCES registration,
    content      jsonb       NOT NULL,
    published_at timestamptz NOT NULL,
    record_id    uuid        NOT NULL,
    PRIMARY KEY (dataset, number)
);
CREATE TRIGGER dataset_revision_frozen BEFORE UPDATE OR DELETE ON dataset_revision FOR EACH ROW EXECUTE FUNCTION frozen();

-- What a dataset is found and filtered by, as published and as proposed: written with what it indexes, in the same
-- transaction. The grams are single characters and pairs.
CREATE TABLE dataset_index (
    dataset   text     NOT NULL REFERENCES dataset,
    published boolean  NOT NULL,
    content   jsonb    NOT NULL,
    publisher text     NOT NULL REFERENCES agent,
    theme     text     NOT NULL,
    openness  text     NOT NULL CHECK (openness IN ('', 'unconditional', 'conditional', 'closed')),
    haystack  text     NOT NULL,
    grams     tsvector NOT NULL,
    PRIMARY KEY (dataset, published)
);
CREATE INDEX dataset_index_grams ON dataset_index USING gin (grams);

-- History: one row per step, with the record that proves it.
CREATE TABLE dataset_event (
    n            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset      text        NOT NULL REFERENCES dataset,
    registration text        NOT NULL REFERENCES registration,
    at           timestamptz NOT NULL,
    actor        text        NOT NULL,
    actor_name   text        NOT NULL,
    action       text        NOT NULL,
    note         text        NOT NULL CHECK (char_length(note) <= 2000),
    record_id    uuid        NOT NULL UNIQUE REFERENCES ledger_outbox (id)
);
CREATE INDEX dataset_event_dataset ON dataset_event (dataset, n);
CREATE INDEX dataset_event_registration ON dataset_event (registration, n);
CREATE TRIGGER dataset_event_frozen BEFORE UPDATE OR DELETE ON dataset_event FOR EACH ROW EXECUTE FUNCTION frozen();

CREATE TABLE dataset_measure (
    dataset     text        PRIMARY KEY REFERENCES dataset,
    data_until  timestamptz,
    rows        bigint      NOT NULL CHECK (rows >= 0),
    measured_at timestamptz NOT NULL
);

CREATE TABLE open_list (
    number       integer     PRIMARY KEY CHECK (number > 0),
    published_at timestamptz NOT NULL,
    actor        text        NOT NULL,
    actor_name   text        NOT NULL,
    note         text        NOT NULL,
    entries      jsonb       NOT NULL,
    entry_count  integer     NOT NULL,
    csv          bytea       NOT NULL,
    jsonld       bytea       NOT NULL,
    sha256       text        NOT NULL CHECK (sha256 = encode(sha256(csv), 'hex')),
    added        text[]      NOT NULL,
    removed      text[]      NOT NULL,
    changed      text[]      NOT NULL,
    record_id    uuid        NOT NULL UNIQUE REFERENCES ledger_outbox (id)
);
CREATE TRIGGER open_list_frozen BEFORE UPDATE OR DELETE ON open_list FOR EACH ROW EXECUTE FUNCTION frozen();
