"""A missing program is skipped by name, and is a failure where tools are required."""

import os
from pathlib import Path

import pytest

from tests import postgres
from tests.tools import find, need


def test_a_program_is_found() -> None:
    assert Path(need("sh")).is_file()


def test_without_it_the_test_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GALATEO_REQUIRE_TOOLS", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no-such-program is not installed \(Debian: nothing\)"):
        need("no-such-program", "nothing")


def test_or_fails_where_tools_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALATEO_REQUIRE_TOOLS", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        need("no-such-program")


def test_without_a_postgres_that_runs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def unfound() -> Path:
        raise postgres.Unfound("nobody cannot run it")

    monkeypatch.delenv("GALATEO_REQUIRE_TOOLS", raising=False)
    monkeypatch.setattr(postgres, "find_binaries", unfound)
    with pytest.raises(pytest.skip.Exception, match="nobody cannot run it"), postgres.cluster():
        pass


def test_postgres_is_found_where_debian_hides_it() -> None:
    hidden = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if hidden:
        assert os.access(str(find("initdb")), os.X_OK)
