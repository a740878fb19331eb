"""Holds: released or rejected by a person, one or many at once; decided again when their condition is met,
expired at last.

A release asks the policies again with today's facts. It waives, for this message, the `hold` violations
that the reviewer saw; new violations, `reject` and the floor stand.
"""

from gateway.review.deciding import AlreadyDecided, HoldGone, ReviewResult
from gateway.review.pausing import Pausing, look, pause, resume
from gateway.review.proposals import LONGEST_REASON, OwnMessage, Proposal, find_proposal, is_own, stands_since
from gateway.review.review import CONDITION, Review
from gateway.review.tasks import Task, Tasks

__all__ = [
    "CONDITION",
    "LONGEST_REASON",
    "AlreadyDecided",
    "HoldGone",
    "OwnMessage",
    "Pausing",
    "Proposal",
    "Review",
    "ReviewResult",
    "Task",
    "Tasks",
    "find_proposal",
    "is_own",
    "look",
    "pause",
    "resume",
    "stands_since",
]
