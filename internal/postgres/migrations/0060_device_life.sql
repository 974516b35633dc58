-- +goose Up

-- What a register of devices knows beyond where they are; a null date is one that is not known.
ALTER TABLE device
    ADD COLUMN life             text        NOT NULL DEFAULT 'active' CHECK (life IN ('planned', 'active', 'maintenance', 'retired')),
    ADD COLUMN system           text        NOT NULL DEFAULT '', -- in which the position was given; '' is wgs84
    ADD COLUMN codec            text        NOT NULL DEFAULT '',
    ADD COLUMN maker            text        NOT NULL DEFAULT '',
    ADD COLUMN model            text        NOT NULL DEFAULT '',
    ADD COLUMN installed        timestamptz,
    ADD COLUMN calibrated       timestamptz,
    ADD COLUMN calibration_due  timestamptz,
    ADD COLUMN twins            text        NOT NULL DEFAULT '',
    ADD COLUMN attrs            jsonb       NOT NULL DEFAULT '{}',
    ADD COLUMN version          bigint      NOT NULL DEFAULT 1 CHECK (version > 0),
    ADD COLUMN record_id        uuid, -- of the newest change; null of devices from before there were records
    -- A retired device has no credential. The old one still opens until a time, after it was replaced.
    ALTER COLUMN credential DROP NOT NULL,
    ADD COLUMN credential_old   text UNIQUE CHECK (credential_old ~ '^[0-9a-f]{64}$'),
    ADD COLUMN credential_until timestamptz,
    ADD COLUMN credential_n     bigint      NOT NULL DEFAULT 1, -- how many there were
    ADD CHECK (life = 'retired' OR credential IS NOT NULL),
    ADD CHECK ((credential_old IS NULL) = (credential_until IS NULL));

-- What the quality flags go by, in the metric's unit; null flags none.
ALTER TABLE metric
    ADD COLUMN resolution double precision CHECK (resolution > 0),
    ADD COLUMN flat_after integer CHECK (flat_after > 1),
    ADD COLUMN step       double precision CHECK (step > 0),
    ADD COLUMN drift      double precision CHECK (drift > 0);
