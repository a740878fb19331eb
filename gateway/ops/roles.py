"""Who may do what, by role. Pure."""

from gateway.access import Reviewer
from gateway.policy.outcome import Words
from gateway.web.problem import Problem

READ_HOLDS = "read holds"
DECIDE_HOLDS = "decide holds"
PAUSE = "pause or resume"
READ_DECISIONS = "read decisions"
READ_CONSENTS = "read consents"
RECORD_CONSENTS = "record consents"
READ_SUBJECTS = "look up subjects"
EXPORT_SUBJECTS = "hand out a person's data"
RESTRICT_SUBJECTS = "restrict a person's data"
ERASE_SUBJECTS = "erase a person"
READ_POLICIES = "read policies"
TRY_POLICIES = "try policies on the past"
EXPORT_EVIDENCE = "take evidence out"

_READING = frozenset(
    {
        READ_HOLDS,
        READ_DECISIONS,
        READ_CONSENTS,
        READ_SUBJECTS,
        READ_POLICIES,
        TRY_POLICIES,
        EXPORT_EVIDENCE,
    }
)
_COMPLIANCE = _READING | {DECIDE_HOLDS, PAUSE, RECORD_CONSENTS, EXPORT_SUBJECTS, RESTRICT_SUBJECTS}

ALLOWED = {
    "reviewer": frozenset({READ_HOLDS, DECIDE_HOLDS, PAUSE, READ_DECISIONS, READ_POLICIES}),
    "auditor": _READING,
    "compliance": _COMPLIANCE,
    "admin": _COMPLIANCE | {ERASE_SUBJECTS},
}
"""Everything that a role may do; a role that is not listed may do nothing."""


def check_allowed(reviewer: Reviewer, deed: str) -> None:
    """Raises Problem (forbidden) where the role of a reviewer does not cover a deed."""
    if deed in ALLOWED.get(reviewer.role, frozenset()):
        return
    roles = ", ".join(role for role, deeds in ALLOWED.items() if deed in deeds)
    raise Problem(
        "forbidden",
        Words(
            f"The role {reviewer.role} may not {deed}. These may: {roles}.",
            f"Il ruolo {reviewer.role} non può farlo. Possono: {roles}.",
        ),
    )
