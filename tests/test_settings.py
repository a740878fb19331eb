"""Settings: defaults, every form a value may have, and errors that a person can act on."""

import os
import subprocess
import sys
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.settings import (
    Listen,
    Settings,
    SettingsError,
    hide_password,
    load,
    misspelled,
    parse_duration,
)
from gateway.settings.values import parse_listen

SECRET = "hunter2-hunter2"
SIGNS = f"whsec_{SECRET.replace('-', '') * 3}"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(**given: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load(**given)
    return str(caught.value)


def test_defaults_are_those_of_the_documentation() -> None:
    settings = load()
    assert settings.smtp_listen == Listen("127.0.0.1", 2525)
    assert settings.http_listen == Listen("127.0.0.1", 8080)
    assert settings.ops_listen == Listen("127.0.0.1", 8081)
    assert settings.reply_listen is None
    assert settings.smtps_listen is None
    assert settings.hold_expiry == timedelta(days=14)
    assert settings.sqlite_file == Path("var/galateo.db")
    assert settings.keys_file == Path("var/galateo.keys")
    assert settings.policies == Path("policies")
    assert settings.access == Path("access.yaml")
    assert settings.max_message_bytes == 26_214_400
    assert settings.relay is None
    assert settings.mode == "enforce"
    assert not settings.development


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load().mode = "observe"  # type: ignore[misc]


def test_arguments_over_environment_over_file(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = 'smtp_listen = "127.0.0.1:1"\nhttp_listen = "127.0.0.1:1"\nops_listen = "127.0.0.1:1"\n'
    (empty_folder / "galateo.toml").write_text(file)
    monkeypatch.setenv("GALATEO_HTTP_LISTEN", "127.0.0.1:2")
    monkeypatch.setenv("GALATEO_OPS_LISTEN", "127.0.0.1:2")
    settings = load(ops_listen="127.0.0.1:3")
    assert [str(settings.smtp_listen), str(settings.http_listen), str(settings.ops_listen)] == [
        "127.0.0.1:1",
        "127.0.0.1:2",
        "127.0.0.1:3",
    ]


def test_file_elsewhere(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / "other.toml").write_text('mode = "observe"\nmax_recipients = 7\ngrace = 3\n')
    monkeypatch.setenv("GALATEO_CONFIG", str(empty_folder / "other.toml"))
    settings = load()
    assert (settings.mode, settings.max_recipients, settings.grace) == ("observe", 7, timedelta(seconds=3))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("smtp_listen = ", "galateo.toml is not TOML"),
        ("relais = 'smtp://h'", "relais is not a setting; did you mean relay?"),
        ("max_recipients = 'many'", "GALATEO_MAX_RECIPIENTS is not a whole number"),
        ("[smtp]\nlisten = 'x'", "smtp is not a setting"),
    ],
)
def test_wrong_file(empty_folder: Path, text: str, problem: str) -> None:
    (empty_folder / "galateo.toml").write_text(text)
    assert refusal().startswith(problem)


def test_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALATEO_CONFIG", "/nowhere/galateo.toml")
    assert refusal().startswith("GALATEO_CONFIG names no file")


def test_file_that_is_not_text(empty_folder: Path) -> None:
    (empty_folder / "galateo.toml").write_bytes(b"\xff\xfe\x00")
    assert refusal().startswith("galateo.toml cannot be read")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("14 days", 14 * 86400),
        ("1 day", 86400),
        ("30s", 30),
        ("2h", 7200),
        ("2h 30m", 9000),
        ("1h30m", 5400),
        ("1 week, 2 days", 9 * 86400),
        ("250ms", 0.25),
        ("1.5 hours", 5400),
        ("90", 90),
        (90, 90),
        (0.5, 0.5),
        ("P14D", 14 * 86400),
        ("P1DT2H", 93600),
        ("PT0.5S", 0.5),
        ("pt5m", 300),
        ("P2W", 14 * 86400),
        (" 30 S ", 30),
        (timedelta(hours=1), 3600),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "1h30", "soon", "-1", "-1 day", "1 fortnight", "1e9", "nan", "inf", "11 years",
     "4000 days", float("nan"), float("inf"), -1, 10**400, True, None, [1], "٣ days", "1 day" * 50],
)  # fmt: skip
def test_wrong_durations(text: object) -> None:
    with pytest.raises(ValueError, match=r"^is not "):
        parse_duration(text)


@given(st.text(max_size=60) | st.from_regex(r"[0-9a-zPT., ]{0,60}", fullmatch=True))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        duration = parse_duration(text)
    except ValueError:
        return
    assert timedelta(0) <= duration <= timedelta(days=3650)


@given(st.integers(0, 3650 * 86400))
def test_seconds_come_back_as_they_went(seconds: int) -> None:
    assert parse_duration(f"{seconds}s") == parse_duration(f"PT{seconds}S") == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("127.0.0.1:0", Listen("127.0.0.1", 0)),
        ("0.0.0.0:25", Listen("0.0.0.0", 25)),
        ("[::1]:2525", Listen("::1", 2525)),
        ("localhost:8080", Listen("localhost", 8080)),
        ("off", None),
        ("OFF", None),
        ("", None),
    ],
)
def test_listeners(text: str, listen: Listen | None) -> None:
    assert parse_listen(text) == listen
    if listen is not None:
        assert parse_listen(str(listen)) == listen


@pytest.mark.parametrize(
    "text",
    ["2525", ":2525", "::1:25", "[127.0.0.1]:25", "h:", "h:65536", "h:-1", "h:x", "a b:1", "[]:1", "h:٣"],
)
def test_wrong_listeners(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is not host:port or off|has no port between 0 and 65535)$"):
        parse_listen(text)


def test_an_empty_variable_is_none_but_for_a_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RELAY", "MODE", "MAX_RECIPIENTS", "SMTP_LISTEN"):
        monkeypatch.setenv(f"GALATEO_{name}", "")
    settings = load()
    assert (settings.relay, settings.mode, settings.max_recipients) == (None, "enforce", 100)
    assert settings.smtp_listen is None


def test_sizes_networks_and_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALATEO_MAX_MESSAGE_BYTES", "30 MiB")
    monkeypatch.setenv("GALATEO_SMTP_PROXY_TRUSTED", "10.0.0.0/8, ::1")
    monkeypatch.setenv("GALATEO_LOG_LEVEL", "WARNING")
    settings = load()
    assert settings.max_message_bytes == 30 * 1024 * 1024
    assert settings.smtp_proxy_trusted == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert settings.log_level == "warning"


LONG = ("HOLD_EXPIRY", "RETRY_MAX_AGE", "REVIEW_SLA", "SESSION_LONGEST", "BACKDATE_LIMIT")


@pytest.mark.parametrize("name", LONG)
def test_days_without_their_unit_are_not_taken_for_seconds(
    name: str, monkeypatch: pytest.MonkeyPatch, empty_folder: Path
) -> None:
    """Fourteen seconds would expire every hold at once."""
    variable = f"GALATEO_{name}"
    for few in ("14", "3599", "0.5"):
        monkeypatch.setenv(variable, few)
        told = (
            f"{variable} has no unit, and so few seconds cannot be meant: write d, h, m or s after the number"
        )
        assert refusal().startswith(f"{told}; for example 14 days")
    for plain, seconds in (("14s", 14), ("14d", 14 * 86400), ("3600", 3600), ("1209600", 1209600)):
        monkeypatch.setenv(variable, plain)
        assert getattr(load(), name.lower()) == timedelta(seconds=seconds)
    monkeypatch.delenv(variable)
    (empty_folder / "galateo.toml").write_text(f"{name.lower()} = 14\n")
    assert refusal().startswith(f"{variable} has no unit")


def test_short_times_are_seconds_without_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RELAY_TIMEOUT", "COMMAND_TIMEOUT", "GRACE", "SESSION_IDLE", "CHECKPOINT_INTERVAL"):
        monkeypatch.setenv(f"GALATEO_{name}", "14")
        assert getattr(load(), name.lower()) == timedelta(seconds=14)
    monkeypatch.setenv("GALATEO_BACKDATE_LIMIT", "0")
    assert load().backdate_limit == timedelta(0)


WRONG = [
    ("SMTP_LISTEN", "2525", "is not host:port or off; for example 127.0.0.1:2525"),
    ("SMTP_PROXY_TRUSTED", "10.0.0.0/64", "is not a list of networks; for example 10.0.0.0/8, fd00::/8"),
    ("MODE", "dry-run", "is not one of enforce or observe"),
    ("DEFAULT_CLASS", "spam", "is not one of transactional, newsletter,"),
    ("DEVELOPMENT", "maybe", "is neither 1 nor 0; for example 1 or 0"),
    ("HOLD_EXPIRY", "0", "is not above zero; for example 14 days, 2h, 30s"),
    ("HOLD_EXPIRY", "never", "is not a duration; for example 14 days, 2h, 30s"),
    ("MAX_MESSAGE_BYTES", "big", "is not a size; for example 26214400 or 25 MiB"),
    ("MAX_RECIPIENTS", "0", "is not above zero; for example 100"),
    ("MAX_RECIPIENTS", "many", "is not a whole number; for example 100"),
    ("SOURCE_RATE", "-1", "is below zero; for example 50"),
    ("SOURCE_RATE", "nan", "is "),
    ("RELAY", "relay.example.com", "does not begin with smtp:// or smtps://; for example smtp://"),
    ("RELAY", "smtp://h:99999", "names no server as host or host:port (in a password"),
    ("RELAY", "smtp://", "names no server"),
    ("RELAY", "smtp://h:0", "names no server"),
    ("RELAY", "smtp://u:p/w@h", "names no server"),
    ("DATABASE", "sqlite:///", "names no database; for example sqlite:///./var/galateo.db"),
    ("RELAY", "smtp://h\r\nEHLO x", "holds a space or a control character; for example"),
    ("DATABASE", "mysql://h/d", "does not begin with sqlite:// or postgresql:// or postgres://; for example"),
    ("WEBHOOK_SECRET", "abc", "is not a secret that signs webhooks; for example whsec_ and 24 to 64"),
    ("WEBHOOK_SECRET", " ", "is not a secret that signs webhooks; for example whsec_"),
    ("WEBHOOK_SECRET", f"{SIGNS} abc", "is not a secret that signs webhooks; for example whsec_"),
    ("CHECKPOINT_SECRET", "whsec_***", "is not a secret that signs webhooks; for example whsec_"),
    ("PUBLIC_URL", "mail.example.com", "does not begin with http:// or https://; for example"),
    ("PUBLIC_URL", "https://mail.example.com/?from=mail", "has a ?, # or @, and paths are added at its end"),
    ("PUBLIC_URL", "https://mail.example.com/#", "has a ?, # or @, and paths are added at its end"),
]


@pytest.mark.parametrize(("name", "value", "problem"), WRONG)
def test_an_error_names_the_variable_and_gives_an_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(f"GALATEO_{name}", value)
    said = refusal()
    assert said.startswith(f"GALATEO_{name} {problem}")
    assert "\n" not in said


def test_every_error_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALATEO_MODE", "x")
    monkeypatch.setenv("GALATEO_GRACE", "x")
    assert [line.split()[0] for line in refusal().splitlines()] == ["GALATEO_MODE", "GALATEO_GRACE"]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"smtp_tls_cert": "c.pem"}, "GALATEO_SMTP_TLS_CERT and SMTP_TLS_KEY go together"),
        ({"smtps_listen": "127.0.0.1:0"}, "GALATEO_SMTPS_LISTEN needs a certificate"),
        ({"smtp_proxy_protocol": True}, "GALATEO_SMTP_PROXY_PROTOCOL needs SMTP_PROXY_TRUSTED"),
        (
            {"max_message_bytes": "30MiB", "max_inflight_bytes": "20MiB"},
            "GALATEO_MAX_INFLIGHT_BYTES=20971520 could never take in a message of MAX_MESSAGE_BYTES=31457280",
        ),
        ({"webhook_relay": "https://h/"}, "GALATEO_WEBHOOK_RELAY needs WEBHOOK_SECRET"),
        ({"database": "postgresql://h/d"}, "GALATEO_DATABASE on PostgreSQL needs KEYS"),
        (
            {"development": True, "http_listen": "0.0.0.0:80"},
            "GALATEO_DEVELOPMENT=1 has no passwords, so HTTP",
        ),
        ({"development": True, "smtp_listen": "mail.example.com:25"}, "GALATEO_DEVELOPMENT=1"),
    ],
)
def test_settings_that_do_not_go_together(given: dict[str, object], problem: str) -> None:
    assert refusal(**given).startswith(problem)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"database": "sqlite:///."}, "DATABASE"),
        ({"database": "sqlite:///.."}, "DATABASE"),
        ({"database": "sqlite:////tmp/"}, "DATABASE"),
        ({"keys": "."}, "KEYS"),
        ({"database": "postgresql://h/d", "keys": "/"}, "KEYS"),
        ({"checkpoint_file": "/tmp"}, "CHECKPOINT_FILE"),
    ],
)
def test_a_folder_in_the_place_of_a_file(given: dict[str, object], name: str) -> None:
    assert refusal(**given).startswith(f"GALATEO_{name} names a folder; for example ")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost"])
def test_development_on_this_machine(host: str) -> None:
    assert load(development=True, smtp_listen=f"{host}:0").development


def test_postgres() -> None:
    settings = load(database="postgresql://u:p@db/galateo", keys="/etc/galateo/keys")
    assert settings.postgres
    assert settings.sqlite_file is None
    assert settings.keys_file == Path("/etc/galateo/keys")


@pytest.mark.parametrize(
    "database", ["postgresql://u@h1:5432,h2:5432/galateo", "postgresql:///galateo?host=/var/run/postgresql"]
)
def test_postgres_on_several_hosts_or_a_socket(database: str) -> None:
    assert load(database=database, keys="k").postgres


def test_sqlite_by_absolute_path() -> None:
    settings = load(database="sqlite:////var/lib/galateo/g.db")
    assert settings.sqlite_file == Path("/var/lib/galateo/g.db")
    assert settings.keys_file == Path("/var/lib/galateo/g.keys")


def test_passwords_and_secrets_do_not_print() -> None:
    settings = load(
        relay=f"smtps://user:{SECRET}@relay.example.com:465",
        database=f"postgresql://user:{SECRET}@db/galateo?password={SECRET}",
        webhook_relay=f"https://u:{SECRET}@h/p?token={SECRET}",
        webhook_secret=SIGNS,
        keys="k",
    )
    for shown in (repr(settings), str(settings), settings.model_dump_json(), str(settings.relay)):
        assert SECRET not in shown
        assert SIGNS not in shown
    assert str(settings.relay) == "smtps://***@relay.example.com:465"
    assert settings.relay is not None
    assert settings.relay.get_secret_value() == f"smtps://user:{SECRET}@relay.example.com:465"


@pytest.mark.parametrize(
    "given",
    [
        {"relay": f"http://u:{SECRET}@h"},
        {"relay": f"smtp://u:{SECRET}@h:x"},
        {"relay": f"smtp://u:{SECRET} @h"},
        {"relay": f"smtp://u:{SECRET}@[h"},
        {"database": f"mysql://u:{SECRET}@h"},
        {"database": f"postgresql://u:{SECRET}@h"},
        {"webhook_secret": [SECRET]},
        {"webhook_secret": SECRET},
        {"mode": SECRET},
        {"smtp_listen": SECRET},
        {"max_recipients": SECRET},
    ],
)
def test_an_error_repeats_no_value(given: dict[str, object]) -> None:
    assert SECRET not in refusal(**given)


@given(
    user=st.from_regex(r"[a-z]{1,5}", fullmatch=True), password=st.text("pw@:/?#%", min_size=1, max_size=9)
)
def test_hidden_passwords_stay_hidden(user: str, password: str) -> None:
    shown = hide_password(f"smtp://{user}:{SECRET}{password}@relay.example.com")
    assert SECRET not in shown


def test_misspelled_variables_are_pointed_out() -> None:
    environment = {
        "GALATEO_SMTP_LISTEN": "off",
        "GALATEO_STMP_LISTEN": "off",
        "GALATEO_SERVICE_HOST": "10.0.0.1",
        "GALATEO_PORT_2525_TCP_ADDR": "10.0.0.1",
        "PATH": "/bin",
    }
    assert list(misspelled(environment)) == [
        "GALATEO_STMP_LISTEN is not a setting; did you mean GALATEO_SMTP_LISTEN?"
    ]


def test_every_setting_has_a_name_of_its_own_beside_those_of_kubernetes() -> None:
    injected = {"host", "port", "service_host", "service_port"}
    assert not injected & set(Settings.model_fields)


def test_import_leaves_the_heavy_parts_alone() -> None:
    code = "import sys, gateway.settings; print(*sorted({'aiohttp', 'rich', 'asyncpg'} & set(sys.modules)))"
    root = Path(__file__).resolve().parents[1]
    environment = os.environ | {"PYTHONPATH": str(root)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert ran.stdout.strip() == b""


def test_the_page_of_settings_has_each_of_them_and_no_other() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "settings.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = [name.strip(" `") for row in rows for name in row.split(",")]
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


PLAIN = "smtp_listen http_listen ops_listen public_url database mode relay_connections max_recipients"
PLAIN += " max_connections max_connections_per_peer max_errors auth_attempts"


@pytest.mark.parametrize("name", PLAIN.split())
def test_the_page_of_settings_has_the_defaults(name: str) -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "settings.md").read_text()
    default = Settings.model_fields[name].default
    said = str(default.get_secret_value() if hasattr(default, "get_secret_value") else default)
    assert f"| `{name.upper()}` | `{said}` |" in page or f"| `{name.upper()}` | {said} |" in page
