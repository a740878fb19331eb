"""A changed ConfigMap reaches the running gateway, swapped in place as a kubelet does it."""

from pathlib import Path

import pytest

from tests.flow.harness import Gateway, Sink, eventually
from tests.helm.engines import Helm3
from tests.helm.test_chart import lay_out, render

OWN = """version: 1
policy: own
title: A policy of one's own
owner: compliance@acme.example
why: To see it arrive.
mode: observe
applies_to: {class: greeting}
rules:
  - {rule: personal_detail, outcome: hold}
"""


@pytest.mark.slow
def test_a_changed_configmap_is_taken_up_and_a_bad_one_refused(tmp_path: Path) -> None:
    helm, mounted = Helm3(), tmp_path / "policies"

    def mount(**files: str) -> None:
        names = {f"{name}.yaml": text for name, text in files.items()}
        lay_out(render(helm, policies={"files": names}), mounted)

    def shows(text: str) -> bool:
        return text in gateway.request("GET", "/metrics", ops=True).body.decode()

    mount()
    (tmp_path / "state").mkdir()
    settings = {"SHIPPED_LEXICONS": "1"}
    with (
        Sink() as sink,
        Gateway(tmp_path / "state", relay=sink.url, policies=mounted, settings=settings) as gateway,
    ):
        assert not shows('policy="own"')
        mount(own=OWN)
        eventually(lambda: shows('policy="own"'), timeout=60, what="the new policy")
        mount(own=OWN.replace("personal_detail", "personal_detial"))
        eventually(lambda: shows("galateo_policy_files_refused 1.0"), timeout=60, what="the refusal")
        assert shows('policy="own"')
        mount()
        eventually(lambda: not shows('policy="own"'), timeout=60, what="the way back")
        eventually(lambda: shows("galateo_policy_files_refused 0.0"), timeout=60, what="peace")
