-- +goose Up

-- Days of use that the simulated district says its consumers had before the house stood. They are habits alone: no
-- decision, no evidence and no quota follows from them, and real accounts never have any.
CREATE TABLE risk_simulated_use (
    consumer   text   NOT NULL CHECK (consumer <> ''),
    department text   NOT NULL CHECK (department <> ''),
    dataset    text   NOT NULL,
    day        date   NOT NULL,
    rows       bigint NOT NULL CHECK (rows >= 0),
    queries    bigint NOT NULL CHECK (queries > 0),
    PRIMARY KEY (consumer, dataset, day)
);
