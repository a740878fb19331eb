"""Whose address stands in the log: the visitor's, as a proxy that is trusted tells it, and nobody's else."""

from ipaddress import ip_network
from pathlib import Path

import orjson
import pytest

from tests.line import KEYS
from tests.public.house import ONE_CLICK, Pages, pages

REF = ("default", KEYS.subject("email", "anna@example.org"))
HERE = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"))
GUESSES = 70


async def logged(house: Pages, forwarded: str | list[str]) -> str:
    """The address that the log has for a withdrawal with such a header."""
    _, entry = await house.send()
    fields = [forwarded] if isinstance(forwarded, str) else forwarded
    given = [("X-Forwarded-For", value) for value in fields]
    async with house.client.post(house.base + house.link(entry), data=ONE_CLICK, headers=given) as answer:
        assert answer.status == 200
    [row] = [r for r in await house.line.store.consents(REF) if r.action == "withdrawn"]
    return str(orjson.loads(row.proof)["ip"])


@pytest.mark.parametrize(
    ("forwarded", "seen"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, 10.1.2.3", "198.51.100.7"),
        ("198.51.100.7,10.1.2.3 , 10.0.0.1", "198.51.100.7"),
        ("2001:db8:2::7, 2001:db8:1::1", "2001:db8:2::7"),
        ("::ffff:10.1.2.3", "::ffff:10.1.2.3"),
        ("198.51.100.7, nonsense", "127.0.0.1"),
        ("198.51.100.7, <script>", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
        (", ".join(["203.0.113.1"] * 100 + ["198.51.100.7"]), "198.51.100.7"),
    ],
)
async def test_the_last_address_that_is_no_proxy_of_ours(tmp_path: Path, forwarded: str, seen: str) -> None:
    async with pages(tmp_path, trusted=HERE) as house:
        assert await logged(house, forwarded) == seen


async def test_a_visitor_cannot_hide_behind_a_second_header(tmp_path: Path) -> None:
    """What a proxy adds as a line of its own stands after what came with the request."""
    async with pages(tmp_path, trusted=HERE) as house:
        assert await logged(house, ["203.0.113.9", "198.51.100.7"]) == "198.51.100.7"


async def test_without_a_trusted_proxy_nobody_is_believed(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        assert await logged(house, "198.51.100.7") == "127.0.0.1"


async def test_guessers_are_counted_apart_behind_a_proxy(tmp_path: Path) -> None:
    async with pages(tmp_path, trusted=HERE) as house:
        bad, good = {"X-Forwarded-For": "198.51.100.7"}, {"X-Forwarded-For": "198.51.100.8"}
        statuses = [(await house.ask("GET", f"/u/guess{n}", headers=bad)).status for n in range(GUESSES)]
        assert statuses[-1] == 429
        assert (await house.ask("GET", "/u/guess", headers=good)).status == 404


async def test_guessers_do_not_get_round_it_by_a_header(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        statuses = [
            (await house.ask("GET", f"/u/guess{n}", headers={"X-Forwarded-For": f"198.51.100.{n}"})).status
            for n in range(GUESSES)
        ]
        assert statuses[-1] == 429
