"""Who may do what in the console, by role. Pure."""

from gateway.access import Reviewer

READ_HOLDS = "holds"
DECIDE_HOLDS = "decide"
PAUSE = "pause"
READ_MESSAGES = "messages"
READ_PEOPLE = "people"
CHANGE_PEOPLE = "change people"
ERASE_PEOPLE = "erase people"
TRY_POLICIES = "try policies"
TAKE_EVIDENCE = "evidence"
READ_POLICIES = "policies"
READ_FIGURES = "overview"

_EVERYBODY = frozenset({READ_HOLDS, READ_MESSAGES, READ_POLICIES, READ_FIGURES})
_PROOF = frozenset({TRY_POLICIES, TAKE_EVIDENCE})

ALLOWED = {
    "reviewer": _EVERYBODY | {DECIDE_HOLDS, PAUSE},
    "auditor": _EVERYBODY | _PROOF | {READ_PEOPLE},
    "compliance": _EVERYBODY | _PROOF | {DECIDE_HOLDS, PAUSE, READ_PEOPLE, CHANGE_PEOPLE},
    "admin": _EVERYBODY | _PROOF | {DECIDE_HOLDS, PAUSE, READ_PEOPLE, CHANGE_PEOPLE, ERASE_PEOPLE},
}
"""Everything that a role may do; a role that is not listed may do nothing."""


def may(reviewer: Reviewer, deed: str) -> bool:
    """Whether the role of a reviewer covers a deed."""
    return deed in ALLOWED.get(reviewer.role, frozenset())
