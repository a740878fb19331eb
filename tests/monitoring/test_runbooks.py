"""What the runbooks say to write does what they say."""

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from tests.monitoring.expressions import ROOT

CASES = """
cases:
  - case: a newsletter to someone who asked for it waits
    message: {class: newsletter, campaign: spring, channel: email, text: "The November issue."}
    facts: {opted_in: newsletter on email}
    expect: {outcome: hold}
  - case: a first contact waits
    message: {class: outreach, campaign: spring, channel: linkedin, purpose: events, text: "Good day."}
    expect: {outcome: hold}
  - case: an offer to a customer who answered once waits
    message: {class: promotion, campaign: spring, channel: email, purpose: offers, text: "Our spring list."}
    facts: {opted_in: offers on email, replied: 2 days ago}
    expect: {outcome: hold}
  - case: another campaign goes on
    message: {class: newsletter, campaign: summer, channel: email, text: "The November issue."}
    facts: {opted_in: newsletter on email}
    expect: {outcome: accept}
"""


def test_a_campaign_of_which_people_complain_is_held(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "runbooks" / "complaint-rate.md").read_text(encoding="utf-8")
    [policy] = re.findall(r"^   ```yaml\n(.*?)^   ```$", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "complained-of.yaml").write_text(dedent(policy) + CASES, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check", tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 cases" in done.stdout
