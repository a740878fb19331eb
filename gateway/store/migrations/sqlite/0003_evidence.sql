-- The texts of every policy version that was in force, each file once; and erasures, done or under way.

CREATE TABLE policy_texts (
    hash TEXT PRIMARY KEY,
    text TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE policy_versions (
    version TEXT PRIMARY KEY,
    at REAL NOT NULL,
    files TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE erasures (
    id TEXT PRIMARY KEY,
    lane INTEGER NOT NULL,
    controller TEXT NOT NULL,
    subject BLOB NOT NULL,
    started_at REAL NOT NULL,
    finished_at REAL NOT NULL
) WITHOUT ROWID;
