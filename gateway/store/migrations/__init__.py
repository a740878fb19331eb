"""Numbered SQL files, one folder for each database, applied in order."""
