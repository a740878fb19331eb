"""The chart, rendered by two real Helm engines and held to Kubernetes' own schemas."""

import copy
import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from gateway.evidence.retention import load_retention
from gateway.reading.load import load_lexicons
from tests.helm.engines import CHART, KUBERNETES, ROOT, Helm3, Helm4, Refused, example, objects
from tests.monitoring.expressions import alerts

EXAMPLES = ("", "one", "many", "proxy")
# The oldest that the chart names and the newest whose schemas are at hand.
VERSIONS = ("1.25", "1.37")
# Custom resources have no schema among Kubernetes' own.
CUSTOM = {"ServiceMonitor", "PrometheusRule"}
SECRET_BYTES = 1 << 20

Engine = Helm3 | Helm4


@pytest.fixture(params=[Helm3, Helm4], ids=["helm3", "helm4"], scope="module")
def engine(request: pytest.FixtureRequest) -> Engine:
    made: Engine = request.param()
    return made


@pytest.fixture(scope="module")
def helm() -> Helm3:
    return Helm3()


def render(helm: Engine, name: str = "", *, upgrade: bool = False, **values: Any) -> list[dict[str, Any]]:
    """The objects of an example with further values over it."""
    return _rendered(helm, json.dumps(merge(example(name), values)), upgrade)


@cache
def _rendered(helm: Engine, values: str, upgrade: bool) -> list[dict[str, Any]]:
    return objects(helm.render(json.loads(values), upgrade=upgrade))


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def only(found: list[dict[str, Any]], kind: str, end: str = "") -> dict[str, Any]:
    [one] = [each for each in found if each["kind"] == kind and each["metadata"]["name"].endswith(end)]
    return one


def pod(found: list[dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = only(found, "Deployment")["spec"]["template"]["spec"]
    return spec


def environment(found: list[dict[str, Any]]) -> dict[str, Any]:
    [container] = pod(found)["containers"]
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


@pytest.mark.parametrize("name", EXAMPLES, ids=lambda name: name or "plain")
def test_it_passes_lint(engine: Engine, name: str) -> None:
    engine.lint(example(name))


@pytest.mark.parametrize("name", EXAMPLES, ids=lambda name: name or "plain")
def test_kubernetes_would_take_every_object(helm: Helm3, name: str) -> None:
    found = render(helm, name)
    assert found
    for each in found:
        assert each["metadata"]["labels"]["app.kubernetes.io/instance"] == "release"
        if each["kind"] not in CUSTOM:
            for version in VERSIONS:
                kubernetes_validate.validate(each, version, strict=True)
    names = [(each["kind"], each["metadata"]["name"]) for each in found]
    assert len(set(names)) == len(names)


def test_both_engines_say_the_same(helm: Helm3) -> None:
    def name_of(each: dict[str, Any]) -> tuple[str, str]:
        return each["kind"], each["metadata"]["name"]

    new = Helm4()
    for name in EXAMPLES:
        assert sorted(render(helm, name), key=name_of) == sorted(render(new, name), key=name_of)


@pytest.mark.parametrize("name", EXAMPLES, ids=lambda name: name or "plain")
def test_every_pod_passes_the_restricted_standard(helm: Helm3, name: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, restricted."""
    pods = [
        each["spec"]["template"]["spec"]
        for each in render(helm, name)
        if each["kind"] in {"Deployment", "Job"}
    ]
    assert pods
    for spec in pods:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
        kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "secret", "projected", "emptyDir", "persistentVolumeClaim"}
        for container in spec["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert all("hostPort" not in port for port in container.get("ports", ()))
            assert {"requests", "limits"} <= container["resources"].keys()


@pytest.mark.parametrize("name", EXAMPLES, ids=lambda name: name or "plain")
def test_no_secret_is_made_or_shown(helm: Helm3, name: str) -> None:
    found = render(helm, name)
    assert not [each for each in found if each["kind"] == "Secret"]
    shown = environment(found)
    secret = {"GALATEO_RELAY", "GALATEO_WEBHOOK_RELAY", "GALATEO_WEBHOOK_SECRET"} & shown.keys()
    if name in {"many", "proxy"}:
        secret.add("GALATEO_DATABASE")
    assert secret
    for variable in secret:
        assert set(shown[variable]) == {"secretKeyRef"}, variable


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"replicas": 2}, "needs PostgreSQL"),
        ({"autoscaling": {"enabled": True}}, "needs PostgreSQL"),
        ({"database": {"kind": "postgresql"}}, "secrets.keys.name"),
        ({"secrets": {"relay": {"name": ""}}}, "nowhere to deliver"),
        ({"smtp": {"tlsPort": 465}}, "secrets.tls.name"),
        ({"smtp": {"proxyProtocol": {"enabled": True}}}, "proxyProtocol.trusted"),
        ({"settings": {"RELAY": "smtp://user:password@relay.example.com"}}, "RELAY"),
        ({"settings": {"DEVELOPMENT": "1"}}, "DEVELOPMENT"),
        ({"settings": {"lower": "1"}}, "lower"),
        ({"replica": 2}, "replica"),
        ({"replicas": "two"}, "replicas"),
        ({"smtp": {"port": 70000}}, "port"),
        ({"policies": {"files": {"../escape.yaml": "x"}}}, "escape.yaml"),
        ({"autoscaling": {"metric": "memory"}}, "metric"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"extraEnv": [{"name": "GALATEO_DATABASE", "value": "postgresql://u:p@h/d"}]}, "extraEnv"),
    ],
)
def test_what_cannot_work_is_refused_at_once(engine: Engine, values: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused) as refused:
        engine.render(values)
    assert says in str(refused.value)


def test_the_schema_knows_every_value() -> None:
    values = YAML(typ="safe").load(CHART / "values.yaml")
    schema = YAML(typ="safe").load(CHART / "values.schema.json")
    assert set(values) == set(schema["properties"]) - {"global"}


def test_one_process_on_sqlite(helm: Helm3) -> None:
    found = render(helm)
    deployment = only(found, "Deployment")["spec"]
    assert deployment["replicas"] == 1
    assert deployment["strategy"] == {"type": "Recreate"}
    claim = only(found, "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert environment(found)["GALATEO_DATABASE"] == "sqlite:////var/lib/galateo/galateo.db"
    assert not [each for each in found if each["kind"] in {"Job", "HorizontalPodAutoscaler"}]


def test_many_on_postgresql(helm: Helm3) -> None:
    found = render(helm, "many")
    deployment = only(found, "Deployment")["spec"]
    assert "replicas" not in deployment
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    scaler = only(found, "HorizontalPodAutoscaler")["spec"]
    assert scaler["metrics"][0]["pods"]["metric"]["name"] == "galateo_messages_per_second"
    assert only(found, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    keys = {each["topologyKey"] for each in pod(found)["topologySpreadConstraints"]}
    assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    assert {port["name"] for port in pod(found)["containers"][0]["ports"]} == {
        "smtp", "smtps", "replies", "http", "ops"
    }  # fmt: skip


def test_migrations_come_before_and_after(helm: Helm3) -> None:
    found = render(helm, "many", upgrade=True)
    before, after = only(found, "Job", "-migrate"), only(found, "Job", "-migrate-finish")
    assert before["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert before["spec"]["template"]["spec"]["containers"][0]["args"] == ["migrate"]
    assert after["metadata"]["annotations"]["helm.sh/hook"] == "post-upgrade"
    assert after["spec"]["template"]["spec"]["containers"][0]["args"] == ["migrate", "--finish"]
    selector = only(found, "Deployment")["spec"]["selector"]["matchLabels"]
    assert not selector.items() <= before["spec"]["template"]["metadata"]["labels"].items()


def test_the_proxy_protocol_and_who_may_use_it(helm: Helm3) -> None:
    found = render(helm, "proxy")
    shown = environment(found)
    assert shown["GALATEO_SMTP_PROXY_PROTOCOL"] == "1"
    assert shown["GALATEO_SMTP_PROXY_TRUSTED"] == "10.0.0.0/8"
    service = only(found, "Service", "-smtp")["spec"]
    assert service["type"] == "LoadBalancer"
    assert service["externalTrafficPolicy"] == "Local"
    assert only(found, "HorizontalPodAutoscaler")["spec"]["metrics"][0]["resource"]["name"] == "cpu"


def test_services_and_policies_point_at_ports_that_are_there(helm: Helm3) -> None:
    for name in EXAMPLES:
        found = render(helm, name)
        [container] = pod(found)["containers"]
        open_ports = {port["name"] for port in container["ports"]}
        labels = only(found, "Deployment")["spec"]["template"]["metadata"]["labels"]
        for service in (each["spec"] for each in found if each["kind"] == "Service"):
            assert service["selector"].items() <= labels.items()
            assert {port["targetPort"] for port in service["ports"]} <= open_ports
        allowed = only(found, "NetworkPolicy", "-galateo")["spec"]["ingress"]
        assert {port["port"] for rule in allowed for port in rule["ports"]} == open_ports
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] == "ops"


def test_recipients_reach_their_pages_and_nothing_else(helm: Helm3) -> None:
    [rule] = only(render(helm, "one"), "Ingress")["spec"]["rules"]
    paths = [path["path"] for path in rule["http"]["paths"]]
    from gateway.public import http

    text = Path(http.__file__).read_text(encoding="utf-8") + '"/public.css"'
    assert all(f'"{path}' in text for path in paths), paths
    assert not any(
        hidden.startswith(path) for path in paths for hidden in ("/v1/messages", "/console/", "/metrics")
    )


def test_the_network_policy_says_where_it_may_go(helm: Helm3) -> None:
    egress = only(render(helm, "many"), "NetworkPolicy", "-galateo")["spec"]["egress"]
    ports = {port["port"] for rule in egress for port in rule["ports"]}
    assert ports == {53, 25, 465, 587, 443, 5432}
    [database] = [rule for rule in egress if rule["ports"][0]["port"] == 5432]
    assert database["to"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] == "databases"


def test_policies_are_those_of_the_repository_with_the_users_own_over_them(helm: Helm3) -> None:
    shipped = {file.name for file in (ROOT / "policies").glob("*.yaml")}
    plain = only(render(helm), "ConfigMap", "-policies")["data"]
    assert set(plain) == shipped
    assert plain["consent.yaml"] == (ROOT / "policies" / "consent.yaml").read_text(encoding="utf-8")
    own = only(render(helm, "many"), "ConfigMap", "-policies")["data"]
    assert set(own) == shipped - {"greetings.yaml"} | {"burst.yaml"}


def test_policies_do_not_restart_pods_and_settings_do(helm: Helm3) -> None:
    def template(**values: Any) -> Any:
        return only(render(helm, "many", **values), "Deployment")["spec"]["template"]

    assert template() == template(policies={"files": {"other.yaml": "version: 1"}})
    assert template() != template(settings={"MODE": "observe"})


def test_no_configmap_outgrows_its_limit(helm: Helm3) -> None:
    for each in render(helm, "many"):
        if each["kind"] == "ConfigMap":
            assert sum(len(text.encode()) for text in each["data"].values()) < 900_000, each["metadata"][
                "name"
            ]


@pytest.mark.parametrize("name", ["one", "many"])
def test_a_release_fits_into_its_secret(helm: Helm3, name: str, tmp_path: Path) -> None:
    """Helm keeps what it installs, files, templates and manifest, in a Secret: JSON, gzip, Base64."""
    with tarfile.open(helm.package(tmp_path)) as packed:
        files = {one.name: packed.extractfile(one) for one in packed.getmembers() if one.isfile()}
        chart = [
            {"name": name, "data": b64encode(file.read()).decode()} for name, file in files.items() if file
        ]
    assert any(one["name"].endswith("policies/consent.yaml") for one in chart)
    release = {"chart": chart, "manifest": helm.render(example(name))}
    assert len(b64encode(gzip.compress(json.dumps(release).encode()))) < SECRET_BYTES * 0.8


def test_lexicons_are_those_of_the_image_but_for_ones_own(helm: Helm3, tmp_path: Path) -> None:
    plain = render(helm, "one")
    assert not [each for each in plain if each["metadata"]["name"].endswith("-lexicons")]
    assert environment(plain)["GALATEO_SHIPPED_LEXICONS"] == "1"
    own = render(helm, "one", policies={"lexicons": {"words.yaml": "# none\n"}})
    assert only(own, "ConfigMap", "-lexicons")["data"] == {"words.yaml": "# none\n"}
    folder = lay_out(own, tmp_path / "policies")
    assert [path.name for path in (folder / "lexicons").iterdir()] == ["words.yaml"]
    spare = ROOT / "policies" / "lexicons"
    assert load_lexicons(folder / "lexicons", spare).words == {}
    assert load_lexicons(tmp_path / "nowhere", spare).words


def lay_out(found: list[dict[str, Any]], folder: Path) -> Path:
    """The policy volume as a kubelet lays it out: a hidden folder with the files, a link to it that is
    swapped when the ConfigMap changes, and links through that one. Returns the mounted folder."""
    maps = {each["metadata"]["name"]: each["data"] for each in found if each["kind"] == "ConfigMap"}
    [volume] = [each for each in pod(found)["volumes"] if each["name"] == "policies"]
    folder.mkdir(exist_ok=True)
    fresh = folder / f"..{time.monotonic_ns()}"
    for source in volume["projected"]["sources"]:
        data = maps[source["configMap"]["name"]]
        items = source["configMap"].get("items") or [{"key": key, "path": key} for key in data]
        for item in items:
            path = fresh / item["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(data[item["key"]], encoding="utf-8")
    (folder / "..data.new").symlink_to(fresh.name)
    old = (folder / "..data").resolve() if (folder / "..data").exists() else None
    (folder / "..data.new").rename(folder / "..data")
    for each in fresh.iterdir():
        if not (folder / each.name).is_symlink():
            (folder / each.name).symlink_to(Path("..data") / each.name)
    for link in folder.iterdir():
        if link.is_symlink() and not link.exists():
            link.unlink()
    if old is not None:
        shutil.rmtree(old)
    return folder


def test_what_is_kept_for_how_long_is_mounted_too(helm: Helm3, tmp_path: Path) -> None:
    """Without the file everything would be kept for good."""
    assert load_retention(lay_out(render(helm, "one"), tmp_path / "a")) == load_retention(ROOT / "policies")
    own = "version: 1\nkeep:\n  - {what: words, for: 7 days, why: ours}\n"
    found = render(helm, policies={"retention": {"retention.yaml": own}})
    assert len(load_retention(lay_out(found, tmp_path / "b")).lines) == 1


@pytest.mark.parametrize("name", ["one", "many"])
def test_the_mounted_policies_pass_their_cases(helm: Helm3, name: str, tmp_path: Path) -> None:
    folder = lay_out(render(helm, name), tmp_path / "policies")
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check", str(folder)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["one", "many"])
def test_the_pods_settings_are_ones_that_the_gateway_takes(
    helm: Helm3, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.settings import load, misspelled

    found = render(helm, name)
    secrets = {
        "GALATEO_DATABASE": "postgresql://galateo:secret@db.example.com/galateo",
        "GALATEO_RELAY": "smtps://user:secret@relay.example.com",
        "GALATEO_WEBHOOK_RELAY": "https://tool.example.com/galateo",
        "GALATEO_WEBHOOK_SECRET": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    }
    given = {
        name: secrets[name] if isinstance(value, dict) else value
        for name, value in environment(found).items()
    }
    given |= only(found, "ConfigMap", "-settings")["data"]
    monkeypatch.chdir(tmp_path)
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    settings = load()
    assert list(misspelled(given)) == []
    assert settings.ops_listen is not None
    assert settings.ops_listen.port == 8081
    assert settings.public_url == "https://mail.acme.example"


def test_alerts_and_dashboards_come_along(helm: Helm3) -> None:
    found = render(helm, "one")
    groups = only(found, "PrometheusRule")["spec"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["alert"] for rule in rules} == {rule["alert"] for rule in alerts()} - {"GalateoNoReviewer"}
    assert all(rule in alerts() for rule in rules)
    boards = only(found, "ConfigMap", "-dashboards")["data"]
    for file in (CHART / "dashboards").glob("*.json"):
        assert boards[f"galateo-{file.name}"] == file.read_text(encoding="utf-8")
    monitor = only(found, "ServiceMonitor")["spec"]
    ops = only(found, "Service", "-ops")
    assert monitor["selector"]["matchLabels"].items() <= ops["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == ops["spec"]["ports"][0]["name"]


def test_versions_agree() -> None:
    from gateway import __version__

    chart = YAML(typ="safe").load(CHART / "Chart.yaml")
    assert chart["appVersion"] == __version__
    assert KUBERNETES.startswith("1.30")
