"""Policies for tests of what waits."""

from pathlib import Path

import pytest

from gateway.policy.load import load
from gateway.policy.policies import PolicySet
from tests.line import ROOT, reader

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


def policies(folder: Path, *texts: str) -> PolicySet:
    """The policies of some YAML texts, with the shipped jurisdictions."""
    place = folder / "policies"
    place.mkdir(exist_ok=True)
    for n, text in enumerate(texts):
        (place / f"p{n}.yaml").write_text(text)
    for name in ("jurisdictions", "lexicons"):
        if not (place / name).exists():
            (place / name).symlink_to(ROOT / "policies" / name)
    return load(place, reader())
