-- The first schema. Every row of a recipient carries its lane: hash(subject) mod 1024.

CREATE TABLE people (
    lane INTEGER NOT NULL,
    controller TEXT NOT NULL,
    subject BLOB NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (lane, controller, subject)
) WITHOUT ROWID;

CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    controller TEXT NOT NULL,
    source TEXT NOT NULL,
    sender TEXT NOT NULL,
    channel TEXT NOT NULL,
    class TEXT NOT NULL,
    purpose TEXT NOT NULL,
    campaign TEXT NOT NULL,
    received_at REAL NOT NULL,
    meta BLOB NOT NULL,
    reading BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE bodies (
    message_id TEXT NOT NULL UNIQUE,
    content BLOB NOT NULL
);

CREATE TABLE decisions (
    message_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    controller TEXT NOT NULL,
    subject BLOB NOT NULL,
    at REAL NOT NULL,
    outcome INTEGER NOT NULL,
    class TEXT NOT NULL,
    source TEXT NOT NULL,
    sender TEXT NOT NULL,
    channel TEXT NOT NULL,
    campaign TEXT NOT NULL,
    policy_version TEXT NOT NULL,
    violations BLOB NOT NULL,
    snapshot BLOB NOT NULL,
    round INTEGER NOT NULL,
    PRIMARY KEY (message_id, n, round)
) WITHOUT ROWID;
CREATE INDEX decisions_subject ON decisions (lane, subject);

CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    lane INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    controller TEXT NOT NULL,
    subject BLOB NOT NULL,
    marketing INTEGER NOT NULL,
    queued_at REAL NOT NULL,
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL,
    lease_owner TEXT NOT NULL,
    entry BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (due_at);
CREATE INDEX outbox_person ON outbox (lane, controller, subject);

CREATE TABLE attempts (
    id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at REAL NOT NULL,
    outcome TEXT NOT NULL,
    relay TEXT NOT NULL,
    code INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (id, attempt)
) WITHOUT ROWID;

CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    lane INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    controller TEXT NOT NULL,
    subject BLOB NOT NULL,
    source TEXT NOT NULL,
    sender TEXT NOT NULL,
    channel TEXT NOT NULL,
    class TEXT NOT NULL,
    campaign TEXT NOT NULL,
    status TEXT NOT NULL,
    condition TEXT NOT NULL,
    codes TEXT NOT NULL,
    cluster TEXT NOT NULL,
    created_at REAL NOT NULL,
    recheck_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    decided_at REAL NOT NULL,
    decided_by TEXT NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX holds_subject ON holds (lane, controller, subject) WHERE status = 'open';
CREATE INDEX holds_open ON holds (id) WHERE status = 'open';
CREATE INDEX holds_expiry ON holds (expires_at) WHERE status = 'open';
CREATE INDEX holds_recheck ON holds (recheck_at) WHERE status = 'open' AND recheck_at > 0;
CREATE INDEX holds_cluster ON holds (cluster, id) WHERE status = 'open';

CREATE TABLE consent_events (
    id TEXT PRIMARY KEY,
    lane INTEGER NOT NULL,
    controller TEXT NOT NULL,
    subject BLOB NOT NULL,
    at REAL NOT NULL,
    recorded_at REAL NOT NULL,
    action TEXT NOT NULL,
    purpose TEXT NOT NULL,
    channel TEXT NOT NULL,
    grade TEXT NOT NULL,
    basis TEXT NOT NULL,
    source TEXT NOT NULL,
    proof BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX consent_events_subject ON consent_events (lane, controller, subject, id);

CREATE TABLE events (
    id TEXT PRIMARY KEY,
    lane INTEGER NOT NULL,
    controller TEXT NOT NULL,
    subject BLOB NOT NULL,
    source TEXT NOT NULL,
    type TEXT NOT NULL,
    at REAL NOT NULL,
    recorded_at REAL NOT NULL,
    dedup BLOB NOT NULL UNIQUE,
    data BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX events_subject ON events (lane, controller, subject, id);

CREATE TABLE fingerprints (
    seq INTEGER PRIMARY KEY,
    controller TEXT NOT NULL,
    at REAL NOT NULL,
    mark INTEGER NOT NULL,
    hashes BLOB NOT NULL
);

CREATE TABLE paces (
    controller TEXT NOT NULL,
    sender TEXT NOT NULL,
    class TEXT NOT NULL,
    slot INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    PRIMARY KEY (slot, controller, sender, class)
) WITHOUT ROWID;

CREATE TABLE waiting_replies (
    controller TEXT NOT NULL,
    sender TEXT NOT NULL,
    subject BLOB NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (controller, sender, subject)
) WITHOUT ROWID;

CREATE TABLE replays (
    key BLOB PRIMARY KEY,
    expires_at REAL NOT NULL,
    answer BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
    chain TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    actor TEXT NOT NULL,
    digest BLOB NOT NULL,
    salt BLOB NOT NULL,
    detail BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (chain, seq)
) WITHOUT ROWID;
