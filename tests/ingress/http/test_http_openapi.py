"""The OpenAPI documents of both listeners: valid, true to the models, and kept by the live servers."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.ingress.feeds import feed_names
from gateway.ingress.http import HttpLimits
from gateway.ingress.http_models import NewEvent, NewMessage
from gateway.ingress.openapi import describe_api
from gateway.ops.openapi import describe_ops
from gateway.web.problem import KINDS
from tests.ingress.http.house import SECRET, House, event, mail

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
)


WHOLE = describe_api(HttpLimits(), optin=True, feeds=feed_names())


def test_feeds_and_hooks_are_described() -> None:
    parameters = WHOLE["paths"]["/v1/feeds/{provider}/{source}"]["post"]["parameters"]
    (named,) = [one["schema"]["enum"] for one in parameters if one["name"] == "provider"]
    assert {"sendgrid", "ses", "mailgun-routes"} < set(named)
    assert "/v1/hooks/{source}" in WHOLE["paths"]


@pytest.mark.parametrize("document", [WHOLE, describe_ops()], ids=["ingest", "ops"])
def test_a_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"] == "3.1.0"


@pytest.mark.parametrize("document", [describe_api(HttpLimits()), describe_ops()], ids=["ingest", "ops"])
def test_every_reference_leads_somewhere_and_every_schema_is_used(document: dict[str, Any]) -> None:
    text = str(document)
    named = set(re.findall(r"#/components/schemas/(\w+)", text))
    defined = set(document["components"]["schemas"])
    assert named == defined


async def test_each_listener_shows_its_own(house: House) -> None:
    ingest = await house.get("/openapi.json", who="")
    ops = await house.get("/openapi.json", who="", ops=True)
    assert ingest.status == ops.status == 200
    assert "/v1/messages" in ingest.json["paths"]
    assert "/api/v1/holds" in ops.json["paths"]


async def test_every_route_is_described(house: House) -> None:
    for listener, document in ((house.ingest, describe_api(HttpLimits())), (house.ops, describe_ops())):
        served = {
            (route.method.lower(), resource.canonical)
            for resource in listener._runner.app.router.resources()
            for route in resource
            if route.method != "HEAD"
        }
        described = {(method, path) for path, item in document["paths"].items() for method in item}
        assert served == described


def test_the_examples_are_what_the_api_takes() -> None:
    paths = describe_api(HttpLimits())["paths"]
    for path, model in (("/v1/messages", NewMessage), ("/v1/events", NewEvent)):
        for example in paths[path]["post"]["requestBody"]["content"]["application/json"]["examples"].values():
            model.model_validate(example["value"])


def test_every_kind_of_problem_has_a_title_in_both_languages() -> None:
    for status, title in KINDS.values():
        assert 400 <= status < 600
        assert title.en
        assert title.it
        assert title.en != title.it


async def _run(house: House, folder: Path, *, ops: bool, who: str) -> tuple[int, str]:
    listener = house.ops if ops else house.ingest
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("st")),
        "--no-color",
        "run",
        f"http://{listener.address}/openapi.json",
        f"--header=Authorization: Bearer {who}:{SECRET}",
        f"--checks={','.join(CHECKS)}",
        "--phases=examples,coverage,fuzzing",
        "--max-examples=8",
        "--max-time=12",
        "--seed=1",
        "--generation-deterministic",
        "--continue-on-failure",
        "--warnings=off",
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(errors="replace")


@pytest.mark.slow
@pytest.mark.parametrize("ops", [False, True], ids=["ingest", "ops"])
async def test_the_live_server_keeps_its_document(tmp_path: Path, ops: bool) -> None:
    async with House(tmp_path) as house:
        code, out = await _run(house, tmp_path, ops=ops, who="admin" if ops else "crm")
        assert code == 0, out[-6000:]
        assert (await house.post(json=mail())).status == 202
        assert (await house.post("/v1/events", json=event())).status == 202
