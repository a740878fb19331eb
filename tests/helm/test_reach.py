"""What a pod of the chart may write to, whom it may reach, and who may reach it."""

from pathlib import PurePosixPath
from typing import Any

import pytest

from tests.helm.engines import Helm3, Refused
from tests.helm.test_chart import EXAMPLES, environment, only, pod, render


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
