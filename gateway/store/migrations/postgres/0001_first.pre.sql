-- The first schema. Every row of a recipient begins its key with its lane: hash(subject) mod 1024.
-- Columns stand in the order of the SQLite schema; what only PostgreSQL needs comes after them.
-- Ids are compared octet by octet, so they have the collation "C". Times are unix seconds.

CREATE TABLE people (
    lane integer NOT NULL,
    controller text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (lane, controller, subject)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE messages (
    id text COLLATE "C" NOT NULL,
    controller text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    class text COLLATE "C" NOT NULL,
    purpose text COLLATE "C" NOT NULL,
    campaign text COLLATE "C" NOT NULL,
    received_at double precision NOT NULL,
    meta bytea NOT NULL,
    reading bytea NOT NULL,
    PRIMARY KEY (id, received_at)
) PARTITION BY RANGE (received_at);

-- Octets that wait: mostly under 8 KB, kept beside the row rather than in chunks elsewhere.
CREATE TABLE bodies (
    message_id text COLLATE "C" PRIMARY KEY,
    content bytea NOT NULL
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE bodies ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE decisions (
    message_id text COLLATE "C" NOT NULL,
    n integer NOT NULL,
    lane integer NOT NULL,
    controller text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    at double precision NOT NULL,
    outcome integer NOT NULL,
    class text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    campaign text COLLATE "C" NOT NULL,
    policy_version text COLLATE "C" NOT NULL,
    violations bytea NOT NULL,
    snapshot bytea NOT NULL,
    round integer NOT NULL,
    PRIMARY KEY (lane, subject, message_id, n, round, at)
) PARTITION BY RANGE (at);
CREATE INDEX decisions_message ON decisions (message_id);

CREATE TABLE outbox (
    id text COLLATE "C" NOT NULL,
    lane integer NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    controller text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    marketing integer NOT NULL,
    queued_at double precision NOT NULL,
    due_at double precision NOT NULL,
    attempts integer NOT NULL,
    lease_owner text COLLATE "C" NOT NULL,
    entry bytea NOT NULL,
    PRIMARY KEY (lane, subject, id)
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0);
CREATE INDEX outbox_due ON outbox (due_at);
CREATE INDEX outbox_message ON outbox (message_id);

CREATE TABLE attempts (
    id text COLLATE "C" NOT NULL,
    attempt integer NOT NULL,
    at double precision NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    relay text COLLATE "C" NOT NULL,
    code integer NOT NULL,
    text text COLLATE "C" NOT NULL,
    lane integer NOT NULL DEFAULT 0
) PARTITION BY RANGE (at);
CREATE INDEX attempts_id ON attempts (id, attempt);

CREATE TABLE holds (
    id text COLLATE "C" NOT NULL,
    lane integer NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    n integer NOT NULL,
    controller text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    source text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    class text COLLATE "C" NOT NULL,
    campaign text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    condition text COLLATE "C" NOT NULL,
    codes text COLLATE "C" NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    created_at double precision NOT NULL,
    recheck_at double precision NOT NULL,
    expires_at double precision NOT NULL,
    decided_at double precision NOT NULL,
    decided_by text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    PRIMARY KEY (lane, id)
);
CREATE INDEX holds_id ON holds (id);
CREATE INDEX holds_message ON holds (message_id);
CREATE INDEX holds_subject ON holds (lane, controller, subject) WHERE status = 'open';
CREATE INDEX holds_open ON holds (id) WHERE status = 'open';
CREATE INDEX holds_expiry ON holds (expires_at) WHERE status = 'open';
CREATE INDEX holds_recheck ON holds (recheck_at) WHERE status = 'open' AND recheck_at > 0;
CREATE INDEX holds_cluster ON holds (cluster, id) WHERE status = 'open';
CREATE INDEX holds_backlog ON holds (controller, sender) WHERE status = 'open' AND condition = 'reply';

CREATE TABLE consent_events (
    id text COLLATE "C" NOT NULL,
    lane integer NOT NULL,
    controller text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    at double precision NOT NULL,
    recorded_at double precision NOT NULL,
    action text COLLATE "C" NOT NULL,
    purpose text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    grade text COLLATE "C" NOT NULL,
    basis text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    proof bytea NOT NULL,
    PRIMARY KEY (lane, controller, subject, id)
);

CREATE TABLE events (
    id text COLLATE "C" NOT NULL,
    lane integer NOT NULL,
    controller text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    source text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    at double precision NOT NULL,
    recorded_at double precision NOT NULL,
    dedup bytea NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (lane, controller, subject, id, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX events_dedup ON events (dedup);
CREATE INDEX events_id ON events (id);
CREATE INDEX events_unmatched ON events (id) WHERE type = 'reply.unmatched';

CREATE TABLE sent_ids (
    day integer NOT NULL,
    hash bytea NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (hash, day, message_id)
) PARTITION BY RANGE (day);

-- Shared counters. `origin` is the replica that counted: it needs no reminder of its own rows, and no two
-- replicas wait for one another's.
CREATE TABLE fingerprints (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    controller text COLLATE "C" NOT NULL,
    at double precision NOT NULL,
    mark integer NOT NULL,
    hashes bytea NOT NULL,
    origin text COLLATE "C" NOT NULL DEFAULT current_setting('application_name'),
    PRIMARY KEY (seq)
);
CREATE INDEX fingerprints_at ON fingerprints USING brin (at);

CREATE TABLE paces (
    controller text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    class text COLLATE "C" NOT NULL,
    slot bigint NOT NULL,
    sent bigint NOT NULL,
    origin text COLLATE "C" NOT NULL DEFAULT current_setting('application_name'),
    updated double precision NOT NULL DEFAULT extract(epoch FROM clock_timestamp()),
    PRIMARY KEY (slot, controller, sender, class, origin)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX paces_updated ON paces (updated);

CREATE TABLE waiting_replies (
    controller text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    since double precision NOT NULL,
    PRIMARY KEY (controller, sender, subject)
);

CREATE TABLE replays (
    key bytea PRIMARY KEY,
    expires_at double precision NOT NULL,
    answer bytea NOT NULL
);
CREATE INDEX replays_expiry ON replays (expires_at);

CREATE TABLE audit (
    chain text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    at double precision NOT NULL,
    kind text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    salt bytea NOT NULL,
    detail bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (chain, seq)
);

-- Who writes. `batch` tells after a lost connection whether the commit under way was done; `guard` is the
-- advisory lock that its session holds while it lives (0: none, its leases end by time alone).
CREATE TABLE writers (
    name text COLLATE "C" PRIMARY KEY,
    batch bigint NOT NULL DEFAULT 0,
    guard bigint NOT NULL DEFAULT 0,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
