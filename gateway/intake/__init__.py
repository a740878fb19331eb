"""The line: a submission is read, decided for each recipient, stored, and answered."""

from gateway.intake.line import Intake, answered_before
from gateway.intake.receipt import GoesRound, NotAllowed, Receipt, RecipientResult
from gateway.store.protocol import DiskFull, Unavailable

__all__ = [
    "DiskFull",
    "GoesRound",
    "Intake",
    "NotAllowed",
    "Receipt",
    "RecipientResult",
    "Unavailable",
    "answered_before",
]
