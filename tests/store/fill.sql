-- Rows enough for the planner to choose: 40,000 in each table.

INSERT INTO people
SELECT (n * 7919) % 1024, 'c', decode(md5(n::text), 'hex'), '{}'
FROM generate_series(1, 40000) n;
INSERT INTO messages
SELECT 'm' || n, 'c', 's', 'e', 'email', 'k', 'p', 'g', extract(epoch FROM now()), '', ''
FROM generate_series(1, 40000) n;
INSERT INTO bodies
SELECT 'm' || n, 'x'
FROM generate_series(1, 40000) n;
INSERT INTO decisions
SELECT 'm' || n, 0, (n * 7919) % 1024, 'c', decode(md5(n::text), 'hex'), extract(epoch FROM now()) - n %
    9, n % 3, 'k', 's', 'e', 'email', 'g', 'v', '', '', 0
FROM generate_series(1, 40000) n;
INSERT INTO outbox
SELECT 'm' || n || '-0', (n * 7919) % 1024, 'm' || n, 'c', decode(md5(n::text), 'hex'), n % 2, n, n, 0,
    'o', '{}'
FROM generate_series(1, 40000) n;
INSERT INTO attempts
SELECT 'm' || n || '-0', 1, extract(epoch FROM now()), 'delivered', 'smtp', 250, '', (n * 7919) % 1024
FROM generate_series(1, 40000) n;
INSERT INTO holds
SELECT 'm' || n || '-0', (n * 7919) % 1024, 'm' || n, 0, 'c', decode(md5(n::text), 'hex'), 's' || n % 50,
    'e' || n % 500, 'email', 'k', 'g', CASE n % 4 WHEN 0 THEN 'open' ELSE 'released' END, 'reply',
    'a/b.c', md5((n % 3000)::text), n, n, n, 0, '', ''
FROM generate_series(1, 40000) n;
INSERT INTO consent_events
SELECT 'c' || n, (n * 7919) % 1024, 'c', decode(md5(n::text), 'hex'), n, n, 'granted', 'p', 'email', 'A',
    'consent', 's', ''
FROM generate_series(1, 40000) n;
INSERT INTO events
SELECT 'e' || n, (n * 7919) % 1024, 'c', decode(md5(n::text), 'hex'), 's', CASE n % 100 WHEN 0 THEN
    'reply.unmatched' ELSE 'x' END, n, extract(epoch FROM now()), decode(md5(n::text), 'hex'), ''
FROM generate_series(1, 40000) n;
INSERT INTO sent_ids
SELECT extract(epoch FROM now())::int / 86400, decode(md5(n::text), 'hex'), 'm' || n
FROM generate_series(1, 40000) n;
INSERT INTO fingerprints (controller, at, mark, hashes)
SELECT 'c', n, 1, ''
FROM generate_series(1, 40000) n;
INSERT INTO paces
SELECT 'c', 'e' || n, 'k', n, 1, 'o', n
FROM generate_series(1, 40000) n;
INSERT INTO waiting_replies
SELECT 'c', 'e' || n, decode(md5(n::text), 'hex'), n
FROM generate_series(1, 40000) n;
INSERT INTO replays
SELECT decode(md5(n::text), 'hex'), n, ''
FROM generate_series(1, 40000) n;
INSERT INTO audit
SELECT 'a' || n % 9, n, n, 'd', 'r', 'a', '', '', '', ''
FROM generate_series(1, 40000) n;
