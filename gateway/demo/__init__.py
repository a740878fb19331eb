"""The gateway on trial: sample people, sample messages, a catch-all for what is sent."""
