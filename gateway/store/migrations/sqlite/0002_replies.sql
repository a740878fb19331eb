-- What a reply, a bounce or a complaint is matched by. By days, so that accepting costs the same however
-- many days are kept.

CREATE TABLE sent_ids (
    day INTEGER NOT NULL,
    hash BLOB NOT NULL,
    message_id TEXT NOT NULL,
    PRIMARY KEY (day, hash, message_id)
) WITHOUT ROWID;

CREATE INDEX events_unmatched ON events (id) WHERE type = 'reply.unmatched';
CREATE INDEX holds_backlog ON holds (controller, sender) WHERE status = 'open' AND condition <> 'reviewer';
