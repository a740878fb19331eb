"""Galateo: the gateway between a tool that sends messages and the people who receive them."""

__version__ = "0.1.0"
