"""TLS, certificates and passwords, by real handshakes."""

import ssl
from pathlib import Path

import pytest
import trustme

from gateway.store.attempt import Outcome
from tests.delivery.outbox import entry
from tests.delivery.setting import QUICK, delivering, until
from tests.relay import ScriptedRelay

TIMES = QUICK._replace(connect=3.0, command=2.0, final=2.0)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def certificate(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


async def goes(relay: ScriptedRelay, url: str) -> None:
    """Several messages pass, over one connection."""
    items = [entry(), entry(raw=b"Subject: x\r\n\r\n" + b"y" * 200_000 + b"\r\n"), entry()]
    async with delivering(url, timeouts=TIMES) as world:
        world.send(*items)
        for item in items:
            assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    assert len(relay.received) == 3


async def stays(url: str, why: str) -> None:
    """The relay counts as down, nothing is tried and nothing fails."""
    item = entry()
    async with delivering(url, timeouts=TIMES) as world:
        world.send(item)
        await until(lambda: world.worker.down == {"smtp": why})
    assert not [attempt for _, attempt in world.outbox.settled if attempt.counted]


@pytest.mark.parametrize("tls", ["required", "opportunistic", ""])
async def test_starttls_with_a_certificate_that_is_right(authority: trustme.CA, ca: str, tls: str) -> None:
    query = f"ca={ca}" + (f"&tls={tls}" if tls else "")
    async with ScriptedRelay(context=certificate(authority)) as relay:
        await goes(relay, relay.url(query=query))
    assert all(each.tls for each in relay.received)


async def test_implicit_tls(authority: trustme.CA, ca: str) -> None:
    async with ScriptedRelay(context=certificate(authority), implicit=True) as relay:
        await goes(relay, relay.url("smtps", query=f"ca={ca}"))


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_certificate_of_an_unknown_authority_is_refused(
    authority: trustme.CA, implicit: bool
) -> None:
    async with ScriptedRelay(context=certificate(authority), implicit=implicit) as relay:
        await stays(relay.url("smtps") if implicit else relay.url(query="tls=required"), "tls")
    assert "MAIL" not in str(relay.commands)


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_certificate_for_another_host_is_refused(
    authority: trustme.CA, ca: str, implicit: bool
) -> None:
    context = certificate(authority, "relay.example")
    async with ScriptedRelay(context=context, implicit=implicit) as relay:
        url = relay.url("smtps", query=f"ca={ca}") if implicit else relay.url(query=f"tls=required&ca={ca}")
        await stays(url, "tls")


async def test_whoever_names_authorities_means_them(authority: trustme.CA, ca: str) -> None:
    async with ScriptedRelay(context=certificate(trustme.CA())) as relay:
        await stays(relay.url(query=f"ca={ca}"), "tls")
    assert "MAIL" not in str(relay.commands)


async def test_required_tls_that_is_not_offered_is_not_gone_without() -> None:
    async with ScriptedRelay(users={"u": "p"}) as relay:
        await stays(relay.url(user="u:p", query="tls=required"), "tls")
    assert "AUTH" not in str(relay.commands)


async def test_opportunistic_tls_takes_any_certificate_and_does_without(authority: trustme.CA) -> None:
    async with ScriptedRelay(context=certificate(authority, "other.example")) as relay:
        await goes(relay, relay.url())
    assert all(each.tls for each in relay.received)
    async with ScriptedRelay(context=certificate(authority), connects=["drop@tls"]) as relay:
        await stays(relay.url(query="tls=required"), "network")
    async with ScriptedRelay(
        context=certificate(authority), connects=["454 4.7.0 TLS not available@starttls"]
    ) as relay:
        await goes(relay, relay.url())
    assert not any(each.tls for each in relay.received)
    assert relay.connections == 2


async def test_tls_never_means_never(authority: trustme.CA) -> None:
    async with ScriptedRelay(context=certificate(authority)) as relay:
        await goes(relay, relay.url(query="tls=never"))
    assert not any(each.tls for each in relay.received)


@pytest.mark.parametrize("methods", ["PLAIN LOGIN", "LOGIN", "CRAM-MD5 PLAIN"])
async def test_a_password_opens_the_relay(authority: trustme.CA, ca: str, methods: str) -> None:
    users = {"news@example.com": "p@ss:word/1"}
    async with ScriptedRelay(context=certificate(authority), users=users, auth=methods) as relay:
        url = relay.url(user="news%40example.com:p%40ss%3Aword%2F1", query=f"tls=required&ca={ca}")
        await goes(relay, url)
    assert {each.user for each in relay.received} == {"news@example.com"}


async def test_a_wrong_password_fails_no_message_and_is_not_tried_in_haste() -> None:
    item = entry()
    async with (
        ScriptedRelay(users={"u": "right"}) as relay,
        delivering(relay.url(user="u:wrong"), timeouts=TIMES) as world,
    ):
        world.send(item)
        await until(lambda: world.worker.down == {"smtp": "auth"})
        circuit = world.relays["smtp"].circuit
        assert circuit.until - circuit.since > 40
        assert relay.connections == 1
    assert not [attempt for _, attempt in world.outbox.settled if attempt.counted]


async def test_no_authentication_on_offer_is_no_reason_to_fail_either() -> None:
    async with ScriptedRelay() as relay:
        await stays(relay.url(user="u:p"), "auth")


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("554 5.3.2 go away@greet", "temporary"),
        ("421 4.3.2 not now@greet", "temporary"),
        ("drop@greet", "network"),
        ("hang@greet", "timeout"),
        ("garbage@greet", "protocol"),
        ("flood@greet", "protocol"),
        ("451 4.3.0 try later@ehlo", "temporary"),
        ("drop@ehlo", "network"),
        ("hang@ehlo", "timeout"),
        ("flood@ehlo", "protocol"),
    ],
)
async def test_a_relay_that_does_not_greet_counts_as_down(step: str, why: str) -> None:
    item = entry()
    times = TIMES._replace(connect=0.3)
    async with (
        ScriptedRelay(connects=[step]) as relay,
        delivering(relay.url(), timeouts=times) as world,
    ):
        world.send(item)
        await until(lambda: world.worker.down)
        assert world.worker.down == {"smtp": why}
        assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    assert len(world.outbox.attempts(item)) == 1


async def test_a_relay_that_is_slow_to_greet_is_waited_for_as_long_as_for_a_reply() -> None:
    item = entry()
    times = TIMES._replace(connect=0.3, command=5.0)
    async with ScriptedRelay(greets_after=1.0) as relay, delivering(relay.url(), timeouts=times) as world:
        world.send(item)
        assert (await world.attempt(item)).outcome is Outcome.DELIVERED
        assert relay.connections == 1


async def test_a_relay_without_ehlo_is_greeted_the_old_way() -> None:
    async with ScriptedRelay(connects=["502 5.5.1 what@ehlo"]) as relay:
        await goes(relay, relay.url())
    assert relay.received[0].mail == "MAIL FROM:<news@example.com>"


@pytest.mark.parametrize("step", ["451 4.3.0 try later@ehlo", "451 4.3.0 try later@secured"])
async def test_a_relay_that_is_busy_at_ehlo_is_not_gone_to_without_what_it_offers(
    authority: trustme.CA, step: str
) -> None:
    """Neither without TLS, nor without 8BITMIME: that would fail for good."""
    item = entry(raw="Subject: x\r\n\r\nperché\r\n".encode())
    async with (
        ScriptedRelay(context=certificate(authority), connects=[step]) as relay,
        delivering(relay.url(), timeouts=TIMES) as world,
    ):
        world.send(item)
        await until(lambda: world.worker.down == {"smtp": "temporary"})
        assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    assert [each.tls for each in relay.received] == [True]
    assert not any(command.startswith("HELO") for command in relay.commands)


def test_authorities_come_from_a_file_that_exists(tmp_path: Path) -> None:
    from tests.delivery.setting import smtp_relay

    with pytest.raises(OSError, match="No such file"):
        smtp_relay(f"smtps://relay.example?ca={tmp_path}/none.pem")


def causes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says of relays that went down."""
    return [vars(record).get("cause", "") for record in caplog.records if record.msg == "relay.down"]


async def test_the_log_says_why_no_connection_was_made(
    authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    async with ScriptedRelay(context=certificate(authority), implicit=True) as relay:
        await stays(relay.url("smtps"), "tls")
        closed = relay.url()
    await stays(closed, "network")
    await stays("smtp://relay.invalid:25", "network")
    unknown, refused, nameless = causes(caplog)
    assert "local issuer certificate" in unknown
    assert refused == "cannot connect: connection refused"
    assert nameless == "cannot connect: the relay's name is not known"
