"""Holds: released or rejected by a person, one or many at once; decided again when their condition is met,
expired at last.

A release asks the policies again with today's facts. It waives, for this message, the `hold` violations
that the reviewer saw; new violations, `reject` and the floor stand.
"""

from gateway.review.deciding import AlreadyDecided, HoldGone, ReviewResult
from gateway.review.paused import Paused, controllers_of, latest_campaigns, list_paused
from gateway.review.pausing import OwnPause, Pausing, look, pause, resume, resume_by_id
from gateway.review.proposals import LONGEST_REASON, OwnMessage, Proposal, find_proposal, is_own, stands_since
from gateway.review.review import CONDITION, Review
from gateway.review.tasks import Task, Tasks

__all__ = [
    "CONDITION",
    "LONGEST_REASON",
    "AlreadyDecided",
    "HoldGone",
    "OwnMessage",
    "OwnPause",
    "Paused",
    "Pausing",
    "Proposal",
    "Review",
    "ReviewResult",
    "Task",
    "Tasks",
    "controllers_of",
    "find_proposal",
    "is_own",
    "latest_campaigns",
    "list_paused",
    "look",
    "pause",
    "resume",
    "resume_by_id",
    "stands_since",
]
