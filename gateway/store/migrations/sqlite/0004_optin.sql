-- Requests for consent that wait for their confirmation have keys of 17 octets; these are swept.
CREATE INDEX replays_optin ON replays (expires_at) WHERE length(key) = 17 AND expires_at > 0;
