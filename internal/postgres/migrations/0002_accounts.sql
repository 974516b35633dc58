-- +goose Up

-- Who may sign in. A login is never given to another account.
CREATE TABLE account (
    id          text        PRIMARY KEY,
    login       text        NOT NULL UNIQUE CHECK (login ~ '^[a-z][a-z0-9._-]{1,31}$'),
    name        text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 64),
    department  text        NOT NULL,
    roles       text[]      NOT NULL CHECK (cardinality(roles) > 0 AND roles <@ ARRAY['steward', 'registrar', 'provider',
                            'department', 'analyst', 'auditor', 'security', 'operator', 'device']),
    password    text        NOT NULL CHECK (password LIKE '$argon2id$%'),
    created_at  timestamptz NOT NULL,
    disabled_at timestamptz
);

-- Sign-ins and API tokens are kept as SHA-256 of 256 random bits: this table lets nobody in.
CREATE TABLE session (
    hash       bytea       PRIMARY KEY CHECK (octet_length(hash) = 32),
    account    text        NOT NULL REFERENCES account,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    ended_at   timestamptz
);
CREATE INDEX session_account ON session (account) WHERE ended_at IS NULL;

CREATE TABLE api_token (
    id           text        PRIMARY KEY,
    hash         bytea       NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    account      text        NOT NULL REFERENCES account,
    name         text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 64),
    scopes       text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL CHECK (expires_at > created_at AND expires_at <= created_at + interval '366 days'),
    revoked_at   timestamptz,
    last_used_at timestamptz
);
CREATE INDEX api_token_account ON api_token (account, id);
