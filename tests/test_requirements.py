"""The lock files: every version pinned, every file hashed, and no index of anybody's in them."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(lock: Path) -> dict[str, str]:
    return {normal(name): version for name, version in ENTRY.findall(lock.read_text())}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_line_is_pinned_and_hashed_and_names_no_place(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=sha256:", "    hash "), re.MULTILINE)
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    for entry in filter(None, map(str.strip, entries)):
        assert ENTRY.match(entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]


def test_what_the_project_asks_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {normal(re.split(r"[=><\[]", line)[0]) for line in project["dependencies"]}
    run, dev = pinned(ROOT / "requirements/run.txt"), pinned(ROOT / "requirements/dev.txt")
    assert asked <= set(run)
    assert {normal(re.split(r"[=><\[]", line)[0]) for line in project["optional-dependencies"]["dev"]} <= set(
        dev
    )


def test_what_is_tested_is_what_runs() -> None:
    run, dev = pinned(ROOT / "requirements/run.txt"), pinned(ROOT / "requirements/dev.txt")
    assert {name: dev.get(name) for name in run} == run


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python before 3.11.5 reads `(...)*+` wrongly; `(?>(...)*)` says the same and is read well."""
    possessive = re.compile(r"\)(?:[*+?]|\{[0-9,]+\})\+")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "gateway").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if possessive.search(line)
    ]
    assert found == []
