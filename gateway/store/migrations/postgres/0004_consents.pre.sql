-- Announcements, evidence packs and the check of the audit log ask for events of consent by id alone.
CREATE INDEX consent_events_id ON consent_events (id);
