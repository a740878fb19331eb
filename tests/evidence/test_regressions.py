"""A draft may not break a case that the policies in force keep."""

from pathlib import Path

from click.testing import CliRunner

from gateway.cli import main
from tests.line import ROOT

CASES = """
version: 1
policy: subscribers
title: Newsletters go to those who subscribed
owner: compliance@example.com
why: They asked for it.
mode: enforce
applies_to: {class: [newsletter]}
rules:
  - rule: consent
    outcome: OUTCOME
cases:
  - case: a stranger gets none
    message: {class: newsletter, purpose: newsletter, text: "Ecco le novità di marzo."}
    expect: {outcome: OUTCOME}
"""


def folder(place: Path, outcome: str, *, name: str = "subscribers") -> Path:
    place.mkdir()
    (place / "p.yaml").write_text(CASES.replace("OUTCOME", outcome).replace("subscribers", name))
    for sub in ("jurisdictions", "lexicons"):
        (place / sub).symlink_to(ROOT / "policies" / sub)
    return place


def test_a_case_of_the_policies_in_force_may_not_break(tmp_path: Path) -> None:
    live, same = folder(tmp_path / "live", "reject"), folder(tmp_path / "same", "reject")
    looser, other = folder(tmp_path / "looser", "hold"), folder(tmp_path / "other", "reject", name="else")
    run = CliRunner(env={"GALATEO_POLICIES": str(live)})
    assert run.invoke(main, ["check", str(same), "--against", "live"]).exit_code == 0
    broken = run.invoke(main, ["check", str(looser), "--against", "live"])
    assert broken.exit_code == 1
    assert "regression: subscribers: a stranger gets none" in broken.output
    gone = run.invoke(main, ["check", str(other), "--against", str(live)])
    assert gone.exit_code == 1
    assert "no such policy" in gone.output
    assert run.invoke(main, ["check", str(same), "--against", str(tmp_path / "none")]).exit_code == 2
