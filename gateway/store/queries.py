"""Every statement of the SQLite store, by name."""

PERSON = "SELECT state FROM people WHERE lane = ? AND controller = ? AND subject = ?"
REPLAY = "SELECT answer FROM replays WHERE key = ? AND expires_at > ?"
EVENT_KNOWN = "SELECT controller FROM events WHERE dedup = ?"
MESSAGE = (
    "SELECT id, controller, source, sender, channel, class, purpose, campaign, received_at, meta, reading,"
    " (SELECT content FROM bodies WHERE message_id = messages.id) FROM messages WHERE id = ?"
)
DECISION_COLUMNS = (
    "message_id, n, controller, subject, at, outcome, class, source, sender, channel, campaign,"
    " policy_version, violations, snapshot, round"
)
DECISIONS = f"SELECT {DECISION_COLUMNS} FROM decisions WHERE message_id = ? ORDER BY n, round"
HOLD_COLUMNS = (
    "id, message_id, n, controller, subject, source, sender, channel, class, campaign, status, condition,"
    " codes, cluster, created_at, recheck_at, expires_at, decided_at, decided_by, reason"
)
HOLD = f"SELECT {HOLD_COLUMNS} FROM holds WHERE id = ?"
HOLDS_DUE = (
    f"SELECT {HOLD_COLUMNS} FROM holds WHERE status = 'open' AND expires_at <= ?1"
    f" UNION SELECT {HOLD_COLUMNS} FROM holds WHERE status = 'open' AND recheck_at > 0 AND recheck_at <= ?1"
    " ORDER BY id LIMIT ?2"
)
HOLDS_OF = (
    f"SELECT {HOLD_COLUMNS} FROM holds WHERE lane = ? AND controller = ? AND subject = ? AND status = 'open'"
)
CONSENTS = (
    "SELECT id, controller, subject, at, recorded_at, action, purpose, channel, grade, basis, source, proof"
    " FROM consent_events WHERE lane = ? AND controller = ? AND subject = ? ORDER BY id"
)
# Of what somebody holds, `due_at` is when the lease ends.
NEXT_TRY = "CASE WHEN lease_owner = '' THEN due_at ELSE 0 END"
OUTBOX_OF_MESSAGE = f"SELECT id, {NEXT_TRY}, attempts FROM outbox WHERE id >= ?1 || '-' AND id < ?1 || '.'"
ATTEMPTS_OF_MESSAGE = (
    "SELECT id, attempt, at, outcome, relay, code, text FROM attempts"
    " WHERE id >= ?1 || '-' AND id < ?1 || '.'"
)

SET_PERSON = (
    "INSERT INTO people VALUES (?, ?, ?, ?)"
    " ON CONFLICT (lane, controller, subject) DO UPDATE SET state = excluded.state"
)
ADD_MESSAGE = "INSERT INTO messages VALUES (?,?,?,?,?,?,?,?,?,?,?)"
ADD_BODY = "INSERT INTO bodies VALUES (?, ?)"
ADD_DECISION = "INSERT INTO decisions VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
ADD_OUTBOX = "INSERT INTO outbox VALUES (?,?,?,?,?,?,?,?,?,?,?)"
SET_HOLD = (
    "INSERT INTO holds VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
    " ON CONFLICT (id) DO UPDATE SET status = excluded.status, condition = excluded.condition,"
    " codes = excluded.codes, created_at = excluded.created_at, recheck_at = excluded.recheck_at,"
    " expires_at = excluded.expires_at, decided_at = excluded.decided_at,"
    " decided_by = excluded.decided_by, reason = excluded.reason"
)
ADD_CONSENT = "INSERT INTO consent_events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"
ADD_EVENT = "INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?)"
ADD_FINGERPRINTS = "INSERT INTO fingerprints (controller, at, mark, hashes) VALUES (?,?,?,?)"
ADD_PACE = (
    "INSERT INTO paces VALUES (?,?,?,?,?)"
    " ON CONFLICT (slot, controller, sender, class) DO UPDATE SET sent = paces.sent + excluded.sent"
)
OWE_REPLY = (
    "INSERT INTO waiting_replies VALUES (?,?,?,?)"
    " ON CONFLICT (controller, sender, subject) DO UPDATE SET since = excluded.since"
)
ANSWER_REPLY = "DELETE FROM waiting_replies WHERE controller = ? AND sender = ? AND subject = ?"
SET_REPLAY = (
    "INSERT INTO replays VALUES (?,?,?)"
    " ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at, answer = excluded.answer"
)
ADD_AUDIT = "INSERT INTO audit VALUES (?,?,?,?,?,?,?,?,?,?)"
CHAIN_HEAD = "SELECT seq, hash FROM audit WHERE chain = ? ORDER BY seq DESC LIMIT 1"

CANCEL_HOLDS = (
    "UPDATE holds SET status = 'cancelled', decided_at = ?, decided_by = 'gateway', reason = ?"
    " WHERE lane = ? AND controller = ? AND subject = ? AND status = 'open' AND class <> ?"
    f" RETURNING {HOLD_COLUMNS}"
)
CANCEL_OUTBOX = (
    "DELETE FROM outbox WHERE lane = ? AND controller = ? AND subject = ? AND marketing >= ?"
    " RETURNING id, message_id"
)
WITHDRAW_OUTBOX = "DELETE FROM outbox WHERE lane = ? AND subject = ? AND id = ? AND lease_owner = ?"
RECHECK_HOLDS = (
    "UPDATE holds SET recheck_at = ? WHERE lane = ? AND controller = ? AND subject = ?"
    " AND status = 'open' AND ' ' || condition || ' ' LIKE '% ' || ? || ' %'"
)
RECHECK_BACKLOG = (
    "UPDATE holds SET recheck_at = ?1 WHERE controller = ?2 AND sender = ?3 AND status = 'open'"
    " AND condition <> 'reviewer' AND codes LIKE '%/reply_backlog.%'"
    " AND (recheck_at = 0 OR recheck_at > ?1)"
)
ADD_SENT = "INSERT INTO sent_ids VALUES (?,?,?) ON CONFLICT DO NOTHING"
SENT = (
    "WITH RECURSIVE days (day) AS (SELECT ?2 UNION ALL SELECT day - 1 FROM days WHERE day > ?2 - 365)"
    " SELECT message_id FROM days JOIN sent_ids ON sent_ids.day = days.day AND hash = ?1 LIMIT 20"
)
SENT_TO = (
    "SELECT DISTINCT message_id FROM decisions WHERE lane = ? AND subject = ? AND controller = ?"
    " AND outcome = 0 ORDER BY message_id DESC LIMIT ?"
)
UNMATCHED = (
    "SELECT id, controller, subject, source, type, at, recorded_at, dedup, data FROM events"
    " WHERE type = 'reply.unmatched' AND id > ? ORDER BY id LIMIT ?"
)
FREE_BODY = (
    "DELETE FROM bodies WHERE message_id = ?1"
    " AND NOT EXISTS (SELECT 1 FROM outbox WHERE id >= ?1 || '-' AND id < ?1 || '.')"
    " AND NOT EXISTS (SELECT 1 FROM holds WHERE id >= ?1 || '-' AND id < ?1 || '.' AND status = 'open')"
)
STILL_QUEUED = "SELECT id FROM outbox WHERE id IN (SELECT value FROM json_each(?))"
DROP_BODY = "DELETE FROM bodies WHERE message_id = ?"
DROP_OUTBOX = "DELETE FROM outbox WHERE id = ?"
DEFER_OUTBOX = "UPDATE outbox SET due_at = ?, attempts = ?, lease_owner = '' WHERE id = ?"
ADD_ATTEMPT = (
    "INSERT INTO attempts VALUES (?,?,?,?,?,?,?)"
    " ON CONFLICT (id, attempt) DO UPDATE SET at = excluded.at, outcome = excluded.outcome,"
    " relay = excluded.relay, code = excluded.code, text = excluded.text"
)
OUTBOX_DUE = (
    "SELECT outbox.id, outbox.message_id, controller, subject, queued_at, due_at, attempts, entry,"
    " length(content) FROM outbox JOIN bodies ON bodies.message_id = outbox.message_id"
    " WHERE due_at <= ? ORDER BY due_at, id LIMIT ?"
)
BODY = "SELECT content FROM bodies WHERE message_id = ?"
LEASE_OUTBOX = "UPDATE outbox SET due_at = ?, lease_owner = ? WHERE id = ?"
FREE_LEASES = "UPDATE outbox SET due_at = queued_at, lease_owner = '' WHERE lease_owner <> ''"
NEXT_DUE = "SELECT due_at FROM outbox ORDER BY due_at LIMIT 1"

RECENT_FINGERPRINTS = (
    "SELECT controller, at, mark, hashes FROM fingerprints WHERE at > ? ORDER BY seq DESC LIMIT ?"
)
RECENT_PACES = "SELECT controller, sender, class, slot, sent FROM paces WHERE slot > ? ORDER BY slot"
ALL_WAITING_REPLIES = "SELECT controller, sender, subject, since FROM waiting_replies"

KEEP_FINGERPRINT = "INSERT INTO settings VALUES ('fingerprint', ?) ON CONFLICT DO NOTHING"
FINGERPRINT = "SELECT value FROM settings WHERE name = 'fingerprint'"

COUNT_OUTBOX = "SELECT count(*), coalesce(min(queued_at), 0) FROM outbox"
COUNT_HOLDS = "SELECT codes, count(*), min(created_at) FROM holds WHERE status = 'open' GROUP BY codes"
COUNT_WAITING = "SELECT count(*) FROM waiting_replies"
