"""The composition root: builds what `serve` runs, starts it, stops it. No logic.

What is needed is imported from its module: a command that reads a few rows imports no listener.
"""
