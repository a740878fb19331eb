"""Policies for tests of what waits."""

from pathlib import Path

import pytest

from gateway.policy.policies import PolicySet
from tests.intake.policies import policies

HOLDING = """
version: 1
policy: wait
title: Outreach waits for a consent
owner: compliance@example.com
why: For tests.
mode: enforce
applies_to: {class: [outreach]}
rules:
  - rule: consent
    outcome: hold
cases: []
"""


@pytest.fixture
def holding(tmp_path: Path) -> PolicySet:
    """Outreach is held until its consent arrives; everything else passes."""
    return policies(tmp_path, HOLDING)
