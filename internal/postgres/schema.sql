-- What the migrations make, for reading. Written by TestSchemaFileIsCurrent; change the migrations instead.

CREATE TABLE account (
    id text NOT NULL,
    login text NOT NULL,
    name text NOT NULL,
    department text NOT NULL,
    roles text[] NOT NULL,
    password text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone,
    PRIMARY KEY (id),
    CHECK (((cardinality(roles) > 0) AND (roles <@ ARRAY['steward'::text, 'registrar'::text, 'provider'::text, 'department'::text, 'analyst'::text, 'auditor'::text, 'security'::text, 'operator'::text, 'device'::text]))),
    CHECK (((char_length(name) >= 1) AND (char_length(name) <= 64))),
    CHECK ((login ~ '^[a-z][a-z0-9._-]{1,31}$'::text)),
    CHECK ((password ~~ '$argon2id$%'::text)),
    FOREIGN KEY (department) REFERENCES agent(id),
    UNIQUE (login)
);

CREATE TABLE agent (
    id text NOT NULL,
    number smallint NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    kind text NOT NULL,
    credit_code text NOT NULL,
    sample boolean NOT NULL DEFAULT false,
    PRIMARY KEY (id),
    CHECK (((number >= 1) AND (number <= 999))),
    CHECK ((credit_code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'::text)),
    CHECK ((id ~ '^[a-z][a-z0-9_]{1,31}$'::text)),
    CHECK ((kind = ANY (ARRAY['bureau'::text, 'centre'::text, 'street'::text, 'town'::text]))),
    CHECK ((name_zh <> ''::text)),
    UNIQUE (credit_code),
    UNIQUE (number)
);

CREATE TABLE alarm (
    id text NOT NULL,
    device text NOT NULL,
    device_zh text NOT NULL,
    device_en text NOT NULL,
    kind text NOT NULL,
    rule text NOT NULL,
    pack text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    text_zh text NOT NULL,
    text_en text NOT NULL,
    basis text NOT NULL,
    class text NOT NULL,
    grade smallint NOT NULL,
    peak smallint NOT NULL,
    state text NOT NULL,
    since timestamp with time zone NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    at timestamp with time zone NOT NULL,
    street text NOT NULL,
    grid text NOT NULL,
    site text NOT NULL,
    longitude double precision NOT NULL,
    latitude double precision NOT NULL,
    owner text NOT NULL,
    unit text NOT NULL,
    respond_by timestamp with time zone,
    permit text NOT NULL DEFAULT ''::text,
    acknowledged_by text NOT NULL DEFAULT ''::text,
    acknowledged_at timestamp with time zone,
    handled_by text NOT NULL DEFAULT ''::text,
    handled_at timestamp with time zone,
    outcome text NOT NULL DEFAULT ''::text,
    note text NOT NULL DEFAULT ''::text,
    score double precision NOT NULL,
    facts jsonb NOT NULL,
    rows jsonb NOT NULL,
    record_id uuid NOT NULL,
    event_due boolean NOT NULL DEFAULT true,
    event_id uuid NOT NULL DEFAULT gen_random_uuid(),
    PRIMARY KEY (id),
    CHECK (((grade >= 1) AND (grade <= 3))),
    CHECK (((peak >= grade) AND (peak <= 3))),
    CHECK (((state = 'handled'::text) = (outcome <> ''::text))),
    CHECK ((id ~ '^al_[0-9a-z]{26}$'::text)),
    CHECK ((outcome = ANY (ARRAY[''::text, 'real'::text, 'false'::text, 'duplicate'::text, 'maintenance'::text]))),
    CHECK ((state = ANY (ARRAY['open'::text, 'acknowledged'::text, 'handled'::text, 'withdrawn'::text])))
);
CREATE INDEX alarm_active ON public.alarm USING btree (grade, raised_at DESC) WHERE (state = ANY (ARRAY['open'::text, 'acknowledged'::text]));
CREATE INDEX alarm_device ON public.alarm USING btree (device, raised_at DESC);
CREATE INDEX alarm_event_due ON public.alarm USING btree (raised_at) WHERE event_due;
CREATE INDEX alarm_newest ON public.alarm USING btree (raised_at DESC, id DESC);
CREATE TRIGGER alarm_news AFTER INSERT OR UPDATE OF record_id ON public.alarm FOR EACH ROW EXECUTE FUNCTION alarm_news();

CREATE TABLE alarm_note (
    device text NOT NULL,
    alarm text NOT NULL DEFAULT ''::text,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (device, alarm)
);

CREATE TABLE alarm_part (
    domain text NOT NULL,
    number integer NOT NULL,
    of integer NOT NULL,
    epoch bigint NOT NULL,
    rx timestamp with time zone,
    PRIMARY KEY (domain, number, of)
);

CREATE TABLE alarm_state (
    device text NOT NULL,
    pack text NOT NULL,
    rx timestamp with time zone NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (device),
    CHECK ((octet_length(state) <= 4194304))
);

CREATE TABLE alarm_step (
    alarm text NOT NULL,
    n integer NOT NULL,
    at timestamp with time zone NOT NULL,
    action text NOT NULL,
    verdict timestamp with time zone,
    actor text NOT NULL DEFAULT ''::text,
    grade smallint NOT NULL,
    note text NOT NULL DEFAULT ''::text,
    record_id uuid NOT NULL,
    PRIMARY KEY (alarm, n),
    CHECK (((grade >= 1) AND (grade <= 3))),
    CHECK ((action = ANY (ARRAY['raised'::text, 'regraded'::text, 'ended'::text, 'withdrawn'::text, 'acknowledged'::text, 'handled'::text, 'reopened'::text]))),
    CHECK ((n > 0)),
    FOREIGN KEY (alarm) REFERENCES alarm(id),
    UNIQUE (alarm, action, verdict),
    UNIQUE (record_id)
);

CREATE TABLE api_token (
    id text NOT NULL,
    hash bytea NOT NULL,
    account text NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    PRIMARY KEY (id),
    CHECK (((char_length(name) >= 1) AND (char_length(name) <= 64))),
    CHECK (((expires_at > created_at) AND (expires_at <= (created_at + '366 days'::interval)))),
    CHECK ((cardinality(scopes) > 0)),
    CHECK ((octet_length(hash) = 32)),
    FOREIGN KEY (account) REFERENCES account(id),
    UNIQUE (hash)
);
CREATE INDEX api_token_account ON public.api_token USING btree (account, id);

CREATE TABLE dataset (
    id text NOT NULL,
    code text,
    state text NOT NULL,
    revision integer NOT NULL DEFAULT 0,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    registered_at timestamp with time zone,
    valid_until timestamp with time zone,
    PRIMARY KEY (id),
    CHECK (((revision > 0) = (code IS NOT NULL))),
    CHECK (((revision > 0) = (registered_at IS NOT NULL))),
    CHECK (((state = ANY (ARRAY['registered'::text, 'cancelled'::text])) = (revision > 0))),
    CHECK ((revision >= 0)),
    CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text, 'returned'::text, 'accepted'::text, 'in_review'::text, 'public_notice'::text, 'registered'::text, 'rejected'::text, 'cancelled'::text]))),
    UNIQUE (code)
);

CREATE TABLE dataset_event (
    n bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    dataset text NOT NULL,
    registration text NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    actor_name text NOT NULL,
    action text NOT NULL,
    note text NOT NULL,
    record_id uuid NOT NULL,
    PRIMARY KEY (n),
    CHECK ((char_length(note) <= 2000)),
    FOREIGN KEY (dataset) REFERENCES dataset(id),
    FOREIGN KEY (record_id) REFERENCES ledger_outbox(id),
    FOREIGN KEY (registration) REFERENCES registration(id),
    UNIQUE (record_id)
);
CREATE INDEX dataset_event_dataset ON public.dataset_event USING btree (dataset, n);
CREATE INDEX dataset_event_registration ON public.dataset_event USING btree (registration, n);
CREATE TRIGGER dataset_event_frozen BEFORE DELETE OR UPDATE ON public.dataset_event FOR EACH ROW EXECUTE FUNCTION frozen();

CREATE TABLE dataset_index (
    dataset text NOT NULL,
    published boolean NOT NULL,
    content jsonb NOT NULL,
    publisher text NOT NULL,
    theme text NOT NULL,
    openness text NOT NULL,
    haystack text NOT NULL,
    grams tsvector NOT NULL,
    title text NOT NULL,
    PRIMARY KEY (dataset, published),
    CHECK ((openness = ANY (ARRAY[''::text, 'unconditional'::text, 'conditional'::text, 'closed'::text]))),
    FOREIGN KEY (dataset) REFERENCES dataset(id),
    FOREIGN KEY (publisher) REFERENCES agent(id)
);
CREATE INDEX dataset_index_grams ON public.dataset_index USING gin (grams);

CREATE TABLE dataset_measure (
    dataset text NOT NULL,
    data_until timestamp with time zone,
    rows bigint NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    PRIMARY KEY (dataset),
    CHECK ((rows >= 0)),
    FOREIGN KEY (dataset) REFERENCES dataset(id)
);

CREATE TABLE dataset_revision (
    dataset text NOT NULL,
    number integer NOT NULL,
    registration text NOT NULL,
    content jsonb NOT NULL,
    published_at timestamp with time zone NOT NULL,
    record_id uuid NOT NULL,
    PRIMARY KEY (dataset, number),
    CHECK ((number > 0)),
    FOREIGN KEY (dataset) REFERENCES dataset(id),
    FOREIGN KEY (registration) REFERENCES registration(id),
    UNIQUE (registration)
);
CREATE TRIGGER dataset_revision_frozen BEFORE DELETE OR UPDATE ON public.dataset_revision FOR EACH ROW EXECUTE FUNCTION frozen();

CREATE TABLE dead_letter_act (
    id text NOT NULL,
    state text NOT NULL,
    letters text[] NOT NULL,
    rows bigint NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    actor_name text NOT NULL,
    at timestamp with time zone NOT NULL,
    marked boolean NOT NULL DEFAULT false,
    record_id uuid NOT NULL,
    PRIMARY KEY (id),
    CHECK ((cardinality(letters) > 0)),
    CHECK ((id ~~ 'dla\_%'::text)),
    CHECK ((reason <> ''::text)),
    CHECK ((rows >= 0)),
    CHECK ((state = ANY (ARRAY['replayed'::text, 'dropped'::text]))),
    UNIQUE (record_id)
);
CREATE INDEX dead_letter_act_unmarked ON public.dead_letter_act USING btree (at) WHERE (NOT marked);

CREATE TABLE device (
    id text NOT NULL,
    kind text NOT NULL,
    name_zh text NOT NULL DEFAULT ''::text,
    name_en text NOT NULL DEFAULT ''::text,
    owner text NOT NULL,
    street text NOT NULL DEFAULT ''::text,
    grid text NOT NULL DEFAULT ''::text,
    site text NOT NULL DEFAULT ''::text,
    longitude double precision NOT NULL DEFAULT 0,
    latitude double precision NOT NULL DEFAULT 0,
    interval_s integer NOT NULL,
    segment_s integer NOT NULL,
    credential text,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    life text NOT NULL DEFAULT 'active'::text,
    system text NOT NULL DEFAULT ''::text,
    codec text NOT NULL DEFAULT ''::text,
    maker text NOT NULL DEFAULT ''::text,
    model text NOT NULL DEFAULT ''::text,
    installed timestamp with time zone,
    calibrated timestamp with time zone,
    calibration_due timestamp with time zone,
    twins text NOT NULL DEFAULT ''::text,
    attrs jsonb NOT NULL DEFAULT '{}'::jsonb,
    version bigint NOT NULL DEFAULT 1,
    record_id uuid,
    credential_old text,
    credential_until timestamp with time zone,
    credential_n bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    CHECK (((credential_old IS NULL) = (credential_until IS NULL))),
    CHECK (((interval_s >= 1) AND (interval_s <= 2678400))),
    CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CHECK (((life = 'retired'::text) OR (credential IS NOT NULL))),
    CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision))),
    CHECK (((segment_s >= 1) AND (segment_s <= 2678400))),
    CHECK ((char_length(name_en) <= 200)),
    CHECK ((char_length(name_zh) <= 200)),
    CHECK ((credential ~ '^[0-9a-f]{64}$'::text)),
    CHECK ((credential_old ~ '^[0-9a-f]{64}$'::text)),
    CHECK ((id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'::text)),
    CHECK ((kind ~ '^[a-z][a-z0-9_]{0,31}$'::text)),
    CHECK ((life = ANY (ARRAY['planned'::text, 'active'::text, 'maintenance'::text, 'retired'::text]))),
    CHECK ((owner <> ''::text)),
    CHECK ((version > 0)),
    UNIQUE (credential),
    UNIQUE (credential_old)
);

CREATE TABLE hour_cursor (
    one boolean NOT NULL DEFAULT true,
    rx timestamp with time zone NOT NULL,
    PRIMARY KEY (one),
    CHECK (one)
);

CREATE TABLE hour_due (
    hour timestamp with time zone NOT NULL,
    metric text NOT NULL,
    device text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    PRIMARY KEY (hour, metric, device)
);
CREATE INDEX hour_due_at ON public.hour_due USING btree (due_at);

CREATE TABLE idempotency_key (
    account text NOT NULL,
    key text NOT NULL,
    method text NOT NULL,
    body bytea NOT NULL,
    answer bytea,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (account, key),
    CHECK (((char_length(key) >= 1) AND (char_length(key) <= 128))),
    CHECK ((octet_length(body) = 32))
);
CREATE INDEX idempotency_key_age ON public.idempotency_key USING btree (created_at);

CREATE TABLE indicator (
    id text NOT NULL,
    version integer NOT NULL,
    origin text NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL DEFAULT ''::text,
    retired boolean NOT NULL DEFAULT false,
    definition jsonb NOT NULL,
    record_id uuid,
    PRIMARY KEY (id, version),
    CHECK (((origin = 'declared'::text) = (record_id IS NOT NULL))),
    CHECK ((id ~ '^[a-z][a-z0-9_]{0,63}$'::text)),
    CHECK ((origin = ANY (ARRAY['shipped'::text, 'site'::text, 'declared'::text]))),
    CHECK ((version > 0))
);

CREATE TABLE ingest_member (
    id text NOT NULL,
    seen timestamp with time zone NOT NULL,
    process uuid NOT NULL DEFAULT gen_random_uuid(),
    counts jsonb NOT NULL DEFAULT '[]'::jsonb,
    PRIMARY KEY (id),
    CHECK ((id <> ''::text))
);

CREATE TABLE ingest_part (
    part text NOT NULL,
    session text NOT NULL DEFAULT ''::text,
    PRIMARY KEY (part),
    CHECK ((part <> ''::text))
);

CREATE TABLE ingest_share (
    part text NOT NULL,
    member text NOT NULL,
    until timestamp with time zone NOT NULL,
    PRIMARY KEY (part),
    CHECK ((part <> ''::text)),
    FOREIGN KEY (member) REFERENCES ingest_member(id) ON DELETE CASCADE
);

CREATE TABLE ledger_certificate (
    sha256 bytea NOT NULL,
    msp text NOT NULL,
    der bytea NOT NULL,
    PRIMARY KEY (sha256),
    CHECK ((octet_length(sha256) = 32))
);

CREATE TABLE ledger_checkpoint (
    origin text NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    note bytea NOT NULL,
    attestation bytea NOT NULL,
    channel text NOT NULL,
    chaincode text NOT NULL,
    version text NOT NULL,
    tx_id text NOT NULL,
    block bigint NOT NULL,
    tx_index bigint NOT NULL,
    anchored_at timestamp with time zone NOT NULL,
    PRIMARY KEY (origin, size),
    CHECK ((block >= 0)),
    CHECK ((octet_length(root) = 32)),
    CHECK ((origin = ANY (ARRAY['authz'::text, 'device'::text, 'authz/sm3'::text, 'device/sm3'::text]))),
    CHECK ((size > 0)),
    CHECK ((tx_index >= 0))
);

CREATE TABLE ledger_edge (
    record uuid NOT NULL,
    input uuid NOT NULL,
    kind text NOT NULL,
    PRIMARY KEY (record, input, kind),
    CHECK ((kind = ANY (ARRAY['input'::text, 'supersedes'::text])))
);
CREATE INDEX ledger_edge_input ON public.ledger_edge USING btree (input);

CREATE TABLE ledger_entry (
    origin text NOT NULL,
    idx bigint NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    org text NOT NULL,
    tag bytea NOT NULL,
    seq bigint NOT NULL,
    prev bigint,
    t_from timestamp with time zone NOT NULL,
    t_to timestamp with time zone NOT NULL,
    count bigint NOT NULL,
    leaf bytea NOT NULL,
    case_tag bytea,
    PRIMARY KEY (origin, idx),
    CHECK (((prev >= 0) AND (prev < idx))),
    CHECK (((seq = 1) = (prev IS NULL))),
    CHECK ((count > 0)),
    CHECK ((idx >= 0)),
    CHECK ((octet_length(case_tag) = 16)),
    CHECK ((octet_length(leaf) = 32)),
    CHECK ((octet_length(tag) = 16)),
    CHECK ((origin = ANY (ARRAY['authz'::text, 'device'::text]))),
    CHECK ((seq > 0)),
    UNIQUE (id),
    UNIQUE (origin, tag, seq)
);
CREATE INDEX ledger_entry_case ON public.ledger_entry USING btree (origin, case_tag, idx) WHERE (case_tag IS NOT NULL);
CREATE INDEX ledger_entry_code ON public.ledger_entry USING btree (SUBSTRING(sha256(uuid_send(id)) FROM 1 FOR 10));

CREATE TABLE ledger_inspection (
    id text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    actor text NOT NULL,
    actor_name text NOT NULL,
    seed bigint NOT NULL DEFAULT 0,
    rounds integer NOT NULL DEFAULT 0,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    stage text NOT NULL DEFAULT ''::text,
    done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    word text NOT NULL DEFAULT ''::text,
    report json,
    reason text NOT NULL DEFAULT ''::text,
    PRIMARY KEY (id),
    CHECK (((state = 'running'::text) = (ended_at IS NULL))),
    CHECK ((ended_at >= started_at)),
    CHECK ((kind = ANY (ARRAY['audit'::text, 'drill'::text]))),
    CHECK ((rounds >= 0)),
    CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text, 'cancelled'::text, 'interrupted'::text])))
);
CREATE INDEX ledger_inspection_newest ON public.ledger_inspection USING btree (started_at DESC, id DESC);
CREATE UNIQUE INDEX ledger_inspection_running ON public.ledger_inspection USING btree ((true)) WHERE (state = 'running'::text);

CREATE TABLE ledger_log (
    origin text NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    PRIMARY KEY (origin),
    CHECK ((octet_length(root) = 32)),
    CHECK ((origin = ANY (ARRAY['authz'::text, 'device'::text]))),
    CHECK ((size > 0))
);

CREATE TABLE ledger_mark (
    record_id uuid NOT NULL,
    mark text NOT NULL,
    by_record uuid NOT NULL,
    state text NOT NULL DEFAULT 'waiting'::text,
    reason text NOT NULL DEFAULT ''::text,
    tries bigint NOT NULL DEFAULT 0,
    tx_id text NOT NULL DEFAULT ''::text,
    block bigint NOT NULL DEFAULT 0,
    at timestamp with time zone,
    PRIMARY KEY (record_id, mark, by_record),
    CHECK ((by_record <> record_id)),
    CHECK ((mark = ANY (ARRAY['superseded'::text, 'revoked'::text, 'expired'::text, 'redacted'::text]))),
    CHECK ((state = ANY (ARRAY['waiting'::text, 'put'::text, 'refused'::text])))
);
CREATE INDEX ledger_mark_waiting ON public.ledger_mark USING btree (tries, record_id) WHERE (state = 'waiting'::text);

CREATE TABLE ledger_outbox (
    n bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id uuid NOT NULL,
    origin text NOT NULL,
    kind text NOT NULL,
    org text NOT NULL,
    subject text NOT NULL,
    t_from timestamp with time zone NOT NULL,
    t_to timestamp with time zone NOT NULL,
    count bigint NOT NULL,
    payload bytea NOT NULL,
    relation text NOT NULL,
    inputs uuid[] NOT NULL DEFAULT '{}'::uuid[],
    supersedes uuid,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    case_id text NOT NULL DEFAULT ''::text,
    key_epoch integer NOT NULL DEFAULT 0,
    PRIMARY KEY (n),
    CHECK (((kind ~ '^[a-z_]+(\.[a-z_]+)+$'::text) AND (octet_length(kind) <= 48))),
    CHECK (((octet_length(case_id) <= 64) AND ((case_id = ''::text) OR (origin = 'authz'::text)))),
    CHECK (((octet_length(org) >= 1) AND (octet_length(org) <= 64))),
    CHECK (((octet_length(subject) >= 1) AND (octet_length(subject) <= 200))),
    CHECK ((count > 0)),
    CHECK ((key_epoch >= 0)),
    CHECK ((origin = ANY (ARRAY['authz'::text, 'device'::text]))),
    CHECK ((t_to >= t_from)),
    UNIQUE (id)
);
CREATE INDEX ledger_outbox_case ON public.ledger_outbox USING btree (case_id, n) WHERE (case_id <> ''::text);
CREATE INDEX ledger_outbox_subject ON public.ledger_outbox USING btree (origin, subject, n);
CREATE TRIGGER ledger_outbox_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_outbox FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_outbox_enqueue AFTER INSERT ON public.ledger_outbox FOR EACH ROW EXECUTE FUNCTION ledger_enqueue();

CREATE TABLE ledger_pending (
    origin text NOT NULL,
    n bigint NOT NULL,
    id uuid NOT NULL,
    PRIMARY KEY (origin, n),
    UNIQUE (id)
);

CREATE TABLE ledger_step (
    record_id uuid NOT NULL,
    case_tag bytea NOT NULL,
    idx bigint NOT NULL,
    state text NOT NULL DEFAULT 'waiting'::text,
    seq bigint,
    reason text NOT NULL DEFAULT ''::text,
    tries bigint NOT NULL DEFAULT 0,
    tx_id text NOT NULL DEFAULT ''::text,
    block bigint NOT NULL DEFAULT 0,
    at timestamp with time zone,
    PRIMARY KEY (record_id),
    CHECK (((state <> 'refused'::text) OR (reason <> ''::text))),
    CHECK (((state = 'put'::text) = (seq IS NOT NULL))),
    CHECK ((idx >= 0)),
    CHECK ((octet_length(case_tag) = 16)),
    CHECK ((seq > 0)),
    CHECK ((state = ANY (ARRAY['waiting'::text, 'put'::text, 'refused'::text]))),
    UNIQUE (case_tag, seq)
);
CREATE INDEX ledger_step_case ON public.ledger_step USING btree (case_tag, idx);
CREATE INDEX ledger_step_waiting ON public.ledger_step USING btree (case_tag, idx) WHERE (state = 'waiting'::text);

CREATE TABLE ledger_timestamp (
    origin text NOT NULL,
    size bigint NOT NULL,
    token bytea NOT NULL,
    stamped_at timestamp with time zone NOT NULL,
    PRIMARY KEY (origin, size),
    CHECK ((octet_length(token) > 0)),
    FOREIGN KEY (origin, size) REFERENCES ledger_checkpoint(origin, size)
);

CREATE TABLE lineage_told (
    run text NOT NULL,
    told smallint NOT NULL,
    PRIMARY KEY (run),
    CHECK ((told = ANY (ARRAY[1, 2])))
);

CREATE TABLE metric (
    device text NOT NULL,
    name text NOT NULL,
    n integer NOT NULL,
    title_zh text NOT NULL DEFAULT ''::text,
    title_en text NOT NULL DEFAULT ''::text,
    unit text NOT NULL,
    min double precision,
    max double precision,
    max_rate double precision,
    stuck_after integer,
    resolution double precision,
    flat_after integer,
    step double precision,
    drift double precision,
    PRIMARY KEY (device, name),
    CHECK (((min IS NULL) OR (max IS NULL) OR (min < max))),
    CHECK ((drift > (0)::double precision)),
    CHECK ((flat_after > 1)),
    CHECK ((max_rate > (0)::double precision)),
    CHECK ((name ~ '^[a-z][a-z0-9_]{0,31}$'::text)),
    CHECK ((resolution > (0)::double precision)),
    CHECK ((step > (0)::double precision)),
    CHECK ((stuck_after > 1)),
    CHECK ((unit <> ''::text)),
    FOREIGN KEY (device) REFERENCES device(id) ON DELETE CASCADE
);

CREATE TABLE moved_day (
    day date NOT NULL,
    works boolean NOT NULL,
    name text NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (day)
);

CREATE TABLE open_list (
    number integer NOT NULL,
    published_at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    actor_name text NOT NULL,
    note text NOT NULL,
    entries jsonb NOT NULL,
    entry_count integer NOT NULL,
    csv bytea NOT NULL,
    jsonld bytea NOT NULL,
    sha256 text NOT NULL,
    added text[] NOT NULL,
    removed text[] NOT NULL,
    changed text[] NOT NULL,
    record_id uuid NOT NULL,
    PRIMARY KEY (number),
    CHECK ((number > 0)),
    CHECK ((sha256 = encode(sha256(csv), 'hex'::text))),
    FOREIGN KEY (record_id) REFERENCES ledger_outbox(id),
    UNIQUE (record_id)
);
CREATE TRIGGER open_list_frozen BEFORE DELETE OR UPDATE ON public.open_list FOR EACH ROW EXECUTE FUNCTION frozen();

CREATE TABLE permit (
    id text NOT NULL,
    kind text NOT NULL,
    site text NOT NULL,
    street text NOT NULL DEFAULT ''::text,
    t_from timestamp with time zone NOT NULL,
    t_to timestamp with time zone NOT NULL,
    issuer text NOT NULL DEFAULT ''::text,
    revoked boolean NOT NULL DEFAULT false,
    record_id uuid NOT NULL,
    PRIMARY KEY (id),
    CHECK (((char_length(id) >= 1) AND (char_length(id) <= 200))),
    CHECK (((char_length(site) >= 1) AND (char_length(site) <= 200))),
    CHECK ((kind ~ '^[a-z][a-z0-9_]{0,31}$'::text)),
    CHECK ((t_to > t_from))
);
CREATE INDEX permit_end ON public.permit USING btree (t_to DESC, id);
CREATE INDEX permit_site ON public.permit USING btree (kind, site, t_to);

CREATE TABLE pipeline (
    id text NOT NULL,
    kind text NOT NULL,
    declaration jsonb NOT NULL,
    origin text NOT NULL,
    file_hash text NOT NULL DEFAULT ''::text,
    pause jsonb,
    version bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    updated_by text NOT NULL,
    record_id uuid,
    PRIMARY KEY (id),
    CHECK ((id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'::text)),
    CHECK ((kind = ANY (ARRAY['stream'::text, 'http'::text, 'file'::text, 'watch'::text, 'pull'::text]))),
    CHECK ((origin = ANY (ARRAY['shipped'::text, 'file'::text, 'api'::text]))),
    CHECK ((version > 0))
);

CREATE TABLE pipeline_mark (
    pipeline text NOT NULL,
    key text NOT NULL,
    mark text NOT NULL,
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (pipeline, key),
    CHECK ((octet_length(key) <= 1024)),
    CHECK ((octet_length(mark) <= 4096))
);

CREATE TABLE pipeline_run (
    id text NOT NULL,
    kind text NOT NULL,
    pipeline text NOT NULL,
    source text NOT NULL,
    started_by text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    state text NOT NULL,
    rows_in bigint NOT NULL DEFAULT 0,
    rows_stored bigint NOT NULL DEFAULT 0,
    rows_known bigint NOT NULL DEFAULT 0,
    rows_dead bigint NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT ''::text,
    PRIMARY KEY (id),
    CHECK (((state = 'running'::text) = (ended_at IS NULL))),
    CHECK ((id ~~ 'run\_%'::text)),
    CHECK ((kind = ANY (ARRAY['import'::text, 'stream'::text, 'http'::text, 'watch'::text, 'pull'::text]))),
    CHECK ((rows_dead >= 0)),
    CHECK ((rows_in >= 0)),
    CHECK ((rows_known >= 0)),
    CHECK ((rows_stored >= 0)),
    CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text])))
);
CREATE INDEX pipeline_run_newest ON public.pipeline_run USING btree (started_at DESC, id DESC);
CREATE INDEX pipeline_run_of ON public.pipeline_run USING btree (pipeline, started_at DESC, id DESC);

CREATE TABLE policy_decision (
    id text NOT NULL,
    permit boolean NOT NULL,
    subject text NOT NULL,
    department text NOT NULL,
    action text NOT NULL,
    dataset text NOT NULL,
    grant_id text NOT NULL,
    grant_version integer NOT NULL,
    purpose text NOT NULL,
    columns text[] NOT NULL,
    reasons jsonb NOT NULL,
    would_pass_if text[] NOT NULL,
    obligations text[] NOT NULL,
    at timestamp with time zone NOT NULL,
    policy_rev text NOT NULL,
    data_rev bigint NOT NULL,
    statement text NOT NULL,
    sql_sha256 text NOT NULL,
    day date NOT NULL,
    reserved bigint NOT NULL,
    rows bigint NOT NULL DEFAULT 0,
    outcome text NOT NULL,
    finished_at timestamp with time zone,
    record_id uuid NOT NULL,
    PRIMARY KEY (id),
    CHECK (((NOT permit) OR (grant_version > 0))),
    CHECK ((action = ANY (ARRAY['query'::text, 'preview'::text, 'export'::text]))),
    CHECK ((outcome = ANY (ARRAY[''::text, 'running'::text, 'done'::text, 'failed'::text]))),
    CHECK ((permit OR (outcome = ''::text))),
    CHECK ((reserved >= 0)),
    CHECK ((rows >= 0))
);
CREATE INDEX policy_decision_grant ON public.policy_decision USING btree (grant_id, id);
CREATE INDEX policy_decision_running ON public.policy_decision USING btree (id) WHERE (outcome = 'running'::text);
CREATE INDEX policy_decision_subject ON public.policy_decision USING btree (subject, at);

CREATE TABLE policy_grant (
    id text NOT NULL,
    version integer NOT NULL,
    request_id text NOT NULL,
    dataset text NOT NULL,
    publisher text NOT NULL,
    department text NOT NULL,
    purpose text NOT NULL,
    columns text[] NOT NULL,
    masks jsonb NOT NULL,
    filter jsonb NOT NULL,
    all_rows boolean NOT NULL,
    not_before timestamp with time zone NOT NULL,
    not_after timestamp with time zone NOT NULL,
    rows_per_day bigint NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    scope text,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    record_id uuid NOT NULL,
    rev bigint NOT NULL,
    PRIMARY KEY (id, version),
    CHECK (((state <> 'active'::text) OR (scope IS NOT NULL))),
    CHECK (((state = 'active'::text) OR (reason <> ''::text))),
    CHECK ((all_rows = (jsonb_array_length(filter) = 0))),
    CHECK ((cardinality(columns) > 0)),
    CHECK ((not_after > not_before)),
    CHECK ((rows_per_day > 0)),
    CHECK ((state = ANY (ARRAY['active'::text, 'revoked'::text, 'blocked'::text]))),
    CHECK ((version > 0)),
    FOREIGN KEY (purpose) REFERENCES policy_purpose(id),
    FOREIGN KEY (request_id) REFERENCES policy_request(id),
    FOREIGN KEY (scope) REFERENCES policy_scope(name),
    UNIQUE (rev)
);
CREATE INDEX policy_grant_department ON public.policy_grant USING btree (department, id);
CREATE TRIGGER policy_grant_append_only BEFORE DELETE OR UPDATE ON public.policy_grant FOR EACH ROW EXECUTE FUNCTION policy_append_only();
CREATE TRIGGER policy_grant_touch BEFORE INSERT ON public.policy_grant FOR EACH ROW EXECUTE FUNCTION policy_touch();

CREATE TABLE policy_purpose (
    id text NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    rank integer NOT NULL,
    PRIMARY KEY (id),
    CHECK ((id ~ '^[a-z][a-z-]{1,40}$'::text)),
    CHECK ((name_en <> ''::text)),
    CHECK ((name_zh <> ''::text))
);

CREATE TABLE policy_request (
    id text NOT NULL,
    dataset text NOT NULL,
    publisher text NOT NULL,
    department text NOT NULL,
    purpose text NOT NULL,
    reason text NOT NULL,
    columns text[] NOT NULL,
    filter jsonb NOT NULL,
    all_rows boolean NOT NULL,
    not_before timestamp with time zone NOT NULL,
    not_after timestamp with time zone NOT NULL,
    state text NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    answer text NOT NULL DEFAULT ''::text,
    answered_by text NOT NULL DEFAULT ''::text,
    answered_at timestamp with time zone,
    grant_id text NOT NULL DEFAULT ''::text,
    record_id uuid NOT NULL,
    PRIMARY KEY (id),
    CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 2000))),
    CHECK (((state <> 'refused'::text) OR (answer <> ''::text))),
    CHECK (((state = 'approved'::text) = (grant_id <> ''::text))),
    CHECK (((state = 'with_provider'::text) = (answered_at IS NULL))),
    CHECK ((all_rows = (jsonb_array_length(filter) = 0))),
    CHECK ((cardinality(columns) > 0)),
    CHECK ((department <> ''::text)),
    CHECK ((not_after > not_before)),
    CHECK ((state = ANY (ARRAY['with_provider'::text, 'approved'::text, 'refused'::text]))),
    FOREIGN KEY (purpose) REFERENCES policy_purpose(id)
);
CREATE INDEX policy_request_state ON public.policy_request USING btree (state, id);

CREATE TABLE policy_request_step (
    request_id text NOT NULL,
    n bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    note text NOT NULL,
    record_id uuid NOT NULL,
    PRIMARY KEY (request_id, n),
    FOREIGN KEY (request_id) REFERENCES policy_request(id)
);

CREATE TABLE policy_revision (
    one boolean NOT NULL DEFAULT true,
    rev bigint NOT NULL,
    PRIMARY KEY (one),
    CHECK (one)
);

CREATE TABLE policy_rule (
    key text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    value bigint NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (key, valid_from),
    CHECK ((source <> ''::text)),
    CHECK ((value >= 0))
);

CREATE TABLE policy_scope (
    name text NOT NULL,
    view text NOT NULL,
    base text NOT NULL,
    columns text[] NOT NULL,
    rego text NOT NULL,
    filter text NOT NULL,
    select_sql text NOT NULL,
    tokens boolean NOT NULL,
    checked bigint NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (name),
    CHECK ((filter <> ''::text)),
    CHECK ((name ~ '^[0-9a-f]{16}$'::text))
);
CREATE TRIGGER policy_scope_append_only BEFORE DELETE OR UPDATE ON public.policy_scope FOR EACH ROW EXECUTE FUNCTION policy_append_only();

CREATE TABLE policy_usage (
    grant_id text NOT NULL,
    subject text NOT NULL,
    day date NOT NULL,
    rows bigint NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (grant_id, subject, day),
    CHECK ((reserved >= 0)),
    CHECK ((rows >= 0))
);

CREATE TABLE pull_lease (
    pipeline text NOT NULL,
    holder text NOT NULL,
    until timestamp with time zone NOT NULL,
    PRIMARY KEY (pipeline),
    CHECK ((holder <> ''::text)),
    CHECK ((pipeline <> ''::text))
);

CREATE TABLE registration (
    id text NOT NULL,
    dataset text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    proposal jsonb NOT NULL,
    before jsonb NOT NULL,
    publisher text NOT NULL,
    waits_on text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    submitter text,
    rules jsonb NOT NULL DEFAULT '{}'::jsonb,
    PRIMARY KEY (id),
    CHECK (((state = ANY (ARRAY['registered'::text, 'rejected'::text, 'withdrawn'::text])) = (waits_on IS NULL))),
    CHECK ((kind = ANY (ARRAY['initial'::text, 'change'::text, 'correction'::text, 'cancellation'::text]))),
    CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text, 'returned'::text, 'accepted'::text, 'in_review'::text, 'public_notice'::text, 'registered'::text, 'rejected'::text, 'withdrawn'::text]))),
    FOREIGN KEY (dataset) REFERENCES dataset(id),
    FOREIGN KEY (publisher) REFERENCES agent(id)
);
CREATE INDEX registration_dataset ON public.registration USING btree (dataset, id);
CREATE INDEX registration_due ON public.registration USING btree (due_at, id) WHERE (waits_on IS NOT NULL);
CREATE UNIQUE INDEX registration_under_way ON public.registration USING btree (dataset) WHERE (waits_on IS NOT NULL);

CREATE TABLE replay (
    id text NOT NULL,
    pipeline text NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    devices text[] NOT NULL,
    state text NOT NULL,
    actor text NOT NULL,
    actor_name text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    beat_at timestamp with time zone NOT NULL,
    done bigint NOT NULL,
    total bigint NOT NULL,
    rows bigint NOT NULL,
    differences jsonb NOT NULL,
    error text NOT NULL,
    applied jsonb,
    record_id uuid,
    PRIMARY KEY (id),
    CHECK (((record_id IS NULL) = (applied IS NULL))),
    CHECK (((state = ANY (ARRAY['applying'::text, 'applied'::text])) = (record_id IS NOT NULL))),
    CHECK ((id ~~ 'rpl\_%'::text)),
    CHECK ((since < until)),
    CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text, 'cancelled'::text, 'interrupted'::text, 'applying'::text, 'applied'::text]))),
    UNIQUE (record_id)
);
CREATE INDEX replay_newest ON public.replay USING btree (started_at DESC, id DESC);
CREATE UNIQUE INDEX replay_busy ON public.replay USING btree (pipeline) WHERE (state = ANY (ARRAY['running'::text, 'applying'::text]));

CREATE TABLE risk_alert (
    id text NOT NULL,
    rule text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    severity integer NOT NULL,
    consumer text NOT NULL,
    department text NOT NULL,
    dataset text NOT NULL,
    day date NOT NULL,
    at timestamp with time zone NOT NULL,
    state text NOT NULL,
    handled_by text NOT NULL DEFAULT ''::text,
    note text NOT NULL DEFAULT ''::text,
    findings jsonb NOT NULL,
    decisions text[] NOT NULL,
    record_id uuid NOT NULL,
    PRIMARY KEY (id),
    CHECK (((severity >= 0) AND (severity <= 100))),
    CHECK ((consumer <> ''::text)),
    CHECK ((state = ANY (ARRAY['new'::text, 'triaged'::text, 'contained'::text, 'resolved'::text]))),
    UNIQUE (rule, consumer, dataset, day)
);
CREATE INDEX risk_alert_consumer ON public.risk_alert USING btree (consumer, id);

CREATE TABLE risk_consumer (
    account text NOT NULL,
    score double precision NOT NULL,
    band text NOT NULL,
    contained boolean NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    rev bigint NOT NULL,
    PRIMARY KEY (account),
    CHECK (((score >= (0)::double precision) AND (score <= (100)::double precision))),
    CHECK ((band = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'critical'::text])))
);
CREATE TRIGGER risk_consumer_touch BEFORE INSERT OR UPDATE ON public.risk_consumer FOR EACH ROW EXECUTE FUNCTION policy_touch();

CREATE TABLE risk_rule (
    id text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    enabled boolean NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    severity integer NOT NULL,
    params jsonb NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (id, valid_from),
    CHECK (((severity >= 0) AND (severity <= 100)))
);

CREATE TABLE risk_simulated_use (
    consumer text NOT NULL,
    department text NOT NULL,
    dataset text NOT NULL,
    day date NOT NULL,
    rows bigint NOT NULL,
    queries bigint NOT NULL,
    PRIMARY KEY (consumer, dataset, day),
    CHECK ((consumer <> ''::text)),
    CHECK ((department <> ''::text)),
    CHECK ((queries > 0)),
    CHECK ((rows >= 0))
);

CREATE TABLE rule (
    key text NOT NULL,
    version integer NOT NULL,
    value integer NOT NULL,
    unit text NOT NULL,
    source text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    set_by text NOT NULL DEFAULT ''::text,
    PRIMARY KEY (key, version),
    CHECK (((value >= 0) AND (value <= 10000))),
    CHECK ((key ~ '^[a-z_]+(\.[a-z_]+)+$'::text)),
    CHECK ((source <> ''::text)),
    CHECK ((unit = ANY (ARRAY['working_days'::text, 'days'::text, 'hours'::text, 'years'::text]))),
    CHECK ((version > 0))
);

CREATE TABLE segment (
    device text NOT NULL,
    seq bigint NOT NULL,
    t_from timestamp with time zone NOT NULL,
    t_to timestamp with time zone NOT NULL,
    count bigint NOT NULL,
    root bytea NOT NULL,
    record_id uuid NOT NULL,
    supersedes uuid,
    PRIMARY KEY (device, seq),
    CHECK ((count > 0)),
    CHECK ((octet_length(root) = 32)),
    CHECK ((seq > 0)),
    CHECK ((t_to > t_from)),
    FOREIGN KEY (device) REFERENCES device(id),
    UNIQUE (record_id)
);
CREATE INDEX segment_window ON public.segment USING btree (device, t_from, seq DESC);

CREATE TABLE segment_cursor (
    one boolean NOT NULL DEFAULT true,
    rx timestamp with time zone NOT NULL,
    PRIMARY KEY (one),
    CHECK (one)
);

CREATE TABLE segment_due (
    device text NOT NULL,
    t_from timestamp with time zone NOT NULL,
    t_to timestamp with time zone NOT NULL,
    PRIMARY KEY (device, t_from)
);
CREATE INDEX segment_due_to ON public.segment_due USING btree (t_to);

CREATE TABLE session (
    hash bytea NOT NULL,
    account text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    PRIMARY KEY (hash),
    CHECK ((expires_at > created_at)),
    CHECK ((octet_length(hash) = 32)),
    FOREIGN KEY (account) REFERENCES account(id)
);
CREATE INDEX session_account ON public.session USING btree (account) WHERE (ended_at IS NULL);

CREATE TABLE subject_key (
    subject text NOT NULL,
    epoch integer NOT NULL,
    key bytea,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    destroyed_at timestamp with time zone,
    erased_by uuid,
    PRIMARY KEY (subject, epoch),
    CHECK (((key IS NULL) = (destroyed_at IS NOT NULL))),
    CHECK (((key IS NULL) = (erased_by IS NOT NULL))),
    CHECK (((octet_length(subject) >= 1) AND (octet_length(subject) <= 200))),
    CHECK ((epoch > 0))
);
CREATE UNIQUE INDEX subject_key_live ON public.subject_key USING btree (subject) WHERE (key IS NOT NULL);

CREATE VIEW ledger_state AS
 SELECT o.id,
        CASE
            WHEN (e.id IS NULL) THEN 'pending'::text
            WHEN (e.idx < ( SELECT max(c.size) AS max
               FROM ledger_checkpoint c
              WHERE (c.origin = e.origin))) THEN 'anchored'::text
            ELSE 'sealed'::text
        END AS state
   FROM (ledger_outbox o
     LEFT JOIN ledger_entry e ON ((e.id = o.id)));

CREATE VIEW lineage_run AS
 SELECT pipeline_run.id,
    pipeline_run.kind,
    pipeline_run.pipeline,
    pipeline_run.source,
    pipeline_run.started_by,
    pipeline_run.started_at,
    pipeline_run.ended_at,
    pipeline_run.state,
    pipeline_run.rows_in,
    pipeline_run.rows_stored,
    pipeline_run.rows_known,
    pipeline_run.rows_dead,
    pipeline_run.error,
    NULL::uuid AS record_id
   FROM pipeline_run
UNION ALL
 SELECT replay.id,
    'replay'::text AS kind,
    replay.pipeline,
    'plinth.reading'::text AS source,
    replay.actor AS started_by,
    replay.started_at,
    replay.ended_at,
        CASE
            WHEN (replay.state = ANY (ARRAY['cancelled'::text, 'interrupted'::text])) THEN 'aborted'::text
            WHEN (replay.state = ANY (ARRAY['applying'::text, 'applied'::text])) THEN 'done'::text
            ELSE replay.state
        END AS state,
    replay.rows AS rows_in,
    replay.rows AS rows_stored,
    0 AS rows_known,
    0 AS rows_dead,
    replay.error,
    replay.record_id
   FROM replay;

CREATE VIEW policy_grant_newest AS
 SELECT id,
    version,
    request_id,
    dataset,
    publisher,
    department,
    purpose,
    columns,
    masks,
    filter,
    all_rows,
    not_before,
    not_after,
    rows_per_day,
    state,
    reason,
    scope,
    created_by,
    created_at,
    record_id,
    rev
   FROM policy_grant g
  WHERE (NOT (EXISTS ( SELECT
           FROM policy_grant n
          WHERE ((n.id = g.id) AND (n.version > g.version)))));

CREATE OR REPLACE FUNCTION public.alarm_news()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM pg_notify('alarm', NEW.id);
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.frozen()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $function$;

CREATE OR REPLACE FUNCTION public.ledger_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION '% of % is not allowed: records are only added', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501';
END $function$;

CREATE OR REPLACE FUNCTION public.ledger_enqueue()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO ledger_pending (origin, n, id) VALUES (NEW.origin, NEW.n, NEW.id);
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.policy_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $function$;

CREATE OR REPLACE FUNCTION public.policy_touch()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    UPDATE policy_revision SET rev = rev + 1 RETURNING rev INTO NEW.rev;
    PERFORM pg_notify('policy', NEW.rev::text);
    RETURN NEW;
END $function$;
