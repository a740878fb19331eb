"""A draft may not break a case that the policies in force keep."""

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.policy.load import read_folder
from tests.evidence.traffic import NEEDS_CONSENT
from tests.line import ROOT

CASES = NEEDS_CONSENT.replace("outcome: reject", "outcome: OUTCOME").replace(
    "cases: []",
    """cases:
  - case: a stranger gets none
    message: {class: newsletter, purpose: newsletter, text: "Ecco le novità di marzo."}
    expect: {outcome: OUTCOME}""",
)


def folder(place: Path, outcome: str, *, name: str = "subscribers") -> Path:
    place.mkdir()
    (place / "p.yaml").write_text(CASES.replace("OUTCOME", outcome).replace("subscribers", name))
    for sub in ("jurisdictions", "lexicons"):
        (place / sub).symlink_to(ROOT / "policies" / sub)
    return place


async def test_the_policies_of_a_gateway_elsewhere(tmp_path: Path) -> None:
    """Asked over its API, as a pipeline does that has no gateway of its own."""
    same = folder(tmp_path / "same", "reject")
    looser, texts = folder(tmp_path / "looser", "hold"), read_folder(same)
    answers: dict[str, Any] = {"files": texts}

    async def policies(request: web.Request) -> web.Response:
        known = request.headers["Authorization"] == "Bearer pipeline:secret"
        return web.json_response(answers if known else {}, status=200 if known else 401)

    app = web.Application()
    app.router.add_get("/api/v1/policies", policies)
    async with TestServer(app) as there:
        url = str(there.make_url("/"))

        async def check(draft: Path, token: str = "pipeline:secret", against: str = url) -> Result:
            run = CliRunner(env={"GALATEO_TOKEN": token})
            return await asyncio.to_thread(
                run.invoke, main, ["check", str(draft), "--against", against, "-q"]
            )

        fine = await check(same)
        assert fine.exit_code == 0, fine.output
        broken = await check(looser)
        assert broken.exit_code == 1
        assert "regression: subscribers: a stranger gets none" in broken.output
        assert "answered 401" in (await check(same, "other:secret")).output
        assert "Set GALATEO_TOKEN" in (await check(same, "")).output
        answers["files"] = {"../p.yaml": "version: 1"}
        assert "something else than policies" in (await check(same)).output
        assert not (tmp_path / "p.yaml").exists()
    gone = await check(same, against="http://127.0.0.1:9/")
    assert gone.exit_code == 1
    assert "does not answer" in gone.output


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
