"""What a pod of the chart may write to, whom it may reach, and who may reach it."""

import shutil
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.helm.engines import CHART, Helm3, Refused, example, objects
from tests.helm.test_chart import EXAMPLES, environment, only, pod, render

INGRESS = {"ingress": {"enabled": True}}
MONITOR = {"serviceMonitor": {"enabled": True}}
OUTSIDE = {"smtp": {"service": {"type": "LoadBalancer"}}}
REPLIES = {"replies": {"enabled": True, "service": {"type": "LoadBalancer"}}}
NOTES = """
apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data:
  text: {{ tpl (.Files.Get "notes") . | quote }}
"""


@pytest.fixture(scope="module")
def helm() -> Helm3:
    return Helm3()


@pytest.mark.parametrize("name", EXAMPLES, ids=lambda name: name or "plain")
def test_checkpoints_of_the_audit_log_can_be_written(helm: Helm3, name: str) -> None:
    found = render(helm, name)
    file = PurePosixPath(environment(found)["GALATEO_CHECKPOINT_FILE"])
    assert mount_of(found, file).get("readOnly") is not True


def test_checkpoints_may_go_to_another_file(helm: Helm3) -> None:
    found = render(helm, "many", settings={"CHECKPOINT_FILE": "/tmp/elsewhere"})
    assert "GALATEO_CHECKPOINT_FILE" not in environment(found)


def test_the_secret_that_signs_checkpoints_is_no_setting(helm: Helm3) -> None:
    with pytest.raises(Refused, match="CHECKPOINT_SECRET"):
        render(helm, settings={"CHECKPOINT_SECRET": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"})


def mount_of(found: list[dict[str, Any]], file: PurePosixPath) -> dict[str, Any]:
    """The mount in which a file of the gateway's container lies, the innermost one."""
    [container] = pod(found)["containers"]
    around = [each for each in container["volumeMounts"] if file.is_relative_to(each["mountPath"])]
    assert around, f"{file} lies on the root file system, which is read-only"
    mount: dict[str, Any] = max(around, key=lambda each: len(each["mountPath"]))
    return mount


def test_files_of_ones_own_reach_the_gateway_and_the_migration(helm: Helm3) -> None:
    volume = {"name": "authority", "configMap": {"name": "database-authority"}}
    mount = {"name": "authority", "mountPath": "/ca", "readOnly": True}
    found = render(helm, "many", upgrade=True, extraVolumes=[volume], extraVolumeMounts=[mount])
    pods = [each["spec"]["template"]["spec"] for each in found if each["kind"] in {"Deployment", "Job"}]
    assert len(pods) == 3
    for each in pods:
        assert volume in each["volumes"]
        assert mount in each["containers"][0]["volumeMounts"]


def test_what_the_access_file_names_is_reached_without_a_webhook_relay(helm: Helm3) -> None:
    assert where(helm, 443) == [None]
    assert where(helm, 443, networkPolicy={"webhookPorts": []}) == []


def test_webhooks_go_elsewhere_than_mail(helm: Helm3) -> None:
    mail, tools = ([{"ipBlock": {"cidr": cidr}}] for cidr in ("192.0.2.0/24", "198.51.100.0/24"))
    assert where(helm, 587, networkPolicy={"relayTo": mail, "webhookTo": tools}) == [mail]
    assert where(helm, 443, networkPolicy={"relayTo": mail, "webhookTo": tools}) == [tools]
    assert where(helm, 443, networkPolicy={"relayTo": mail}) == [mail]


@pytest.mark.parametrize("left_out", ["relayPorts", "webhookPorts", "databasePorts"])
def test_no_ports_open_none(helm: Helm3, left_out: str) -> None:
    for rule in egress(helm, "proxy", networkPolicy={left_out: []}):
        assert rule["ports"]


def where(helm: Helm3, port: int, **values: Any) -> list[Any]:
    """To whom the gateway may go at a port, by rule; None is anybody."""
    rules = egress(helm, "", **values)
    return [rule.get("to") for rule in rules if port in {each["port"] for each in rule["ports"]}]


def egress(helm: Helm3, name: str, **values: Any) -> list[dict[str, Any]]:
    """The gateway's rules about where it may go."""
    found = only(render(helm, name, **values), "NetworkPolicy", "-galateo")
    rules: list[dict[str, Any]] = found["spec"]["egress"]
    return rules


@pytest.mark.parametrize(
    ("values", "key"),
    [(INGRESS, "httpFrom"), (MONITOR, "opsFrom"), (OUTSIDE, "smtpFrom"), (REPLIES, "repliesFrom")],
)
def test_who_is_kept_out_is_told(helm: Helm3, tmp_path: Path, values: dict[str, Any], key: str) -> None:
    setting = f"networkPolicy.{key}"
    assert setting in notes(helm, tmp_path, values)
    named = {key: [{"namespaceSelector": {}}]}
    assert setting not in notes(helm, tmp_path, values | {"networkPolicy": named})
    assert setting not in notes(helm, tmp_path, values | {"networkPolicy": {"enabled": False}})
    assert setting not in notes(helm, tmp_path, {})


@pytest.mark.parametrize("name", ["one", "many", "proxy"])
def test_the_examples_keep_nobody_out_whom_they_ask_in(helm: Helm3, tmp_path: Path, name: str) -> None:
    assert "The network policy lets" not in notes(helm, tmp_path, example(name))


def test_replies_come_from_elsewhere_than_submissions(helm: Helm3) -> None:
    tools, world = ([{"ipBlock": {"cidr": cidr}}] for cidr in ("10.0.0.0/8", "0.0.0.0/0"))
    for given, expected in (({"repliesFrom": world}, world), ({}, tools)):
        policy = only(
            render(helm, "many", networkPolicy={"smtpFrom": tools, **given}), "NetworkPolicy", "-galateo"
        )
        by_port = {port["port"]: rule["from"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        assert by_port["smtp"] == by_port["smtps"] == tools
        assert by_port["replies"] == expected


def notes(helm: Helm3, folder: Path, values: dict[str, Any]) -> str:
    """What Helm says after an installation; it shows that to a cluster alone, so a template quotes it."""
    chart = folder / "chart"
    if not chart.exists():
        shutil.copytree(CHART, chart)
        shutil.copy(chart / "templates" / "NOTES.txt", chart / "notes")
        (chart / "templates" / "notes.yaml").write_text(NOTES, encoding="utf-8")
    found = objects(helm.render(values, chart=chart))
    text: str = only(found, "ConfigMap", "notes")["data"]["text"]
    return text
