"""What was decided and why, proven: replay, explanations, the audit log, people's rights, backups."""
