"""The review console: where people of compliance decide holds and see what the policies do."""
