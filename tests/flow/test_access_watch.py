"""The access file counts from the start on; that it says something else by now is told, once."""

from pathlib import Path

import pytest

from gateway.app.access_watch import AccessWatch
from tests.flow.harness import Gateway, eventually


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.message for record in caplog.records if record.name == "gateway.app.access_watch"]
    caplog.clear()
    return found


def test_each_change_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    file, other = tmp_path / "access.yaml", tmp_path / "other.yaml"
    for path in (file, other):
        path.write_text("controllers: [{name: acme}]\n")
    watch = AccessWatch(file)
    other.replace(file)
    watch.look()
    assert said(caplog) == []
    file.write_text("controllers: [{name: other}]\n")
    watch.look()
    watch.look()
    assert said(caplog) == ["access.changed"]
    file.write_text("controllers: [{nam: other}]\n")
    watch.look()
    assert "access.yaml:1: " in vars(caplog.records[-1])["problem"]
    file.unlink()
    watch.look()
    watch.look()
    assert said(caplog) == ["access.refused"] * 2
    file.write_text("controllers: [{name: acme}]\n")
    watch.look()
    assert said(caplog) == ["access.in_force"]


def test_a_gateway_says_that_it_needs_a_restart(tmp_path: Path) -> None:
    """As a kubelet swaps a Secret: another folder behind the same link."""
    for name, text in (("one", "controllers: [{name: acme}]\n"), ("two", "controllers: []\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "access.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "access.yaml").symlink_to("..data/access.yaml")
    with Gateway(tmp_path, relay="smtp://127.0.0.1:1", access=tmp_path / "access.yaml") as gateway:
        (tmp_path / "..fresh").symlink_to("two")
        (tmp_path / "..fresh").replace(tmp_path / "..data")
        eventually(lambda: "access.changed" in gateway.said(), timeout=20, what="the warning")
        assert "restart the gateway" in gateway.said()
