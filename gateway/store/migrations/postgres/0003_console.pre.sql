-- What the review console asks: open holds by what is alike, without touching the rows; lately decided ones.
CREATE INDEX holds_review ON holds (cluster, codes, id) INCLUDE (created_at, source, campaign, channel, class)
    WHERE status = 'open';
CREATE INDEX holds_decided ON holds (decided_at, created_at) WHERE status IN ('released', 'rejected');
