-- The texts of every policy version that was in force, each file once; and erasures, done or under way.

CREATE TABLE policy_texts (
    hash text COLLATE "C" PRIMARY KEY,
    text text NOT NULL
);

CREATE TABLE policy_versions (
    version text COLLATE "C" PRIMARY KEY,
    at double precision NOT NULL,
    files text NOT NULL
);

CREATE TABLE erasures (
    id text COLLATE "C" PRIMARY KEY,
    lane integer NOT NULL,
    controller text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    started_at double precision NOT NULL,
    finished_at double precision NOT NULL
);
