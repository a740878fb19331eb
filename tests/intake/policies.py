"""Policies for tests that are about something else: the floor alone, or what a test writes."""

import tempfile
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path
from typing import Any

from gateway.policy.load import load
from gateway.policy.policies import PolicySet
from tests.line import ROOT, Line, reader
from tests.line import line as line_with


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


@cache
def floor() -> PolicySet:
    """Nothing but the floor."""
    with tempfile.TemporaryDirectory() as folder:
        return policies(Path(folder))


def line(folder: Path, rules: PolicySet | None = None, **given: Any) -> AbstractAsyncContextManager[Line]:
    """A line with these policies, else the floor alone."""
    return line_with(folder, rules or floor(), **given)
