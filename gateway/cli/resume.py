"""`galateo resume`, told beside its counterpart."""

from gateway.cli.pause import resume_command

__all__ = ["resume_command"]
