"""An evidence pack: one message, how it was decided and why, with proof, in a ZIP that needs nothing else.

Its manifest names the SHA-256 of every file and is signed (Ed25519). The audit entries stand in it with
their salts, so that anyone can work their digests out again from the rows beside them; their hashes link
to the chain's head at the time of the export, or to as many entries as fit.
"""

import asyncio
import base64
import io
import zipfile
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from msgspec.structs import asdict

from gateway.evidence import entries as e
from gateway.evidence.checkpoint import is_signed, public_key, sign
from gateway.evidence.entries import Entry, Rows
from gateway.evidence.explain import as_json, explain
from gateway.evidence.page import page
from gateway.evidence.stretch import moment
from gateway.evidence.versions import texts_of
from gateway.keys import Keys
from gateway.policy.outcome import Outcome
from gateway.policy.schema import fingerprint
from gateway.store.digests import (
    SALT,
    body_digest,
    consent_digest,
    decision_digest,
    hold_digest,
    message_digest,
)
from gateway.store.records import ConsentRow, DecisionRow, HoldRow, MessageRow

MANIFEST = "manifest.json"
LINKS = 2000
"""Later entries that prove an entry's place, at most."""
LARGEST = 100 * 1024 * 1024
RETAINED = "retained"
"""The kind of entries that say what the retention took out of rows."""

Entries = dict[tuple[str, int], Entry]
Named = dict[tuple[str, str], list[Any]]


class NothingToPack(Exception):
    """There is no such message."""


class BadPack(Exception):
    """The pack is not as it was made; the text says what differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was checked in a pack, one line each."""

    lines: tuple[str, ...]
    signer: bytes


def _plain(row: Any) -> dict[str, Any]:
    told = asdict(row) if isinstance(row, HoldRow) else row._asdict()
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in told.items()}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


async def make_pack(store: Rows, keys: Keys, message_id: str, now: float) -> bytes:
    """The octets of the pack. Raises NothingToPack, StoreError."""
    message = (await e.messages_of(store, [message_id])).get(message_id)
    if message is None:
        raise NothingToPack(f"There is no message {message_id}.")
    decisions = sorted((await e.decisions_of(store, [message_id])).values(), key=lambda d: (d.n, d.round))
    holds = await e.holds_of(store, {f"{d.message_id}-{d.n}" for d in decisions})
    consents = await _consents(store, decisions)
    files = {
        "message.json": _json(_plain(message)),
        "decisions.json": _json([_plain(d) for d in decisions]),
        "holds.json": _json([_plain(h) for h in holds.values()]),
        "consents.json": _json([_plain(c) for c in consents]),
        "explanation.json": _json([as_json(one) for one in await explain(store, message_id)]),
    }
    body = (await e.bodies_of(store, [message_id])).get(message_id)
    if body is not None:
        files["message.eml"] = body
    for version in sorted({d.policy_version for d in decisions}):
        for name, text in ((await texts_of(store, version)) or {}).items():
            files[f"policies/{version}/{name}"] = text.encode("utf-8", "surrogatepass")
    proof = await _proof(store, decisions, holds.values(), consents)
    if not _all_fit(proof, message, decisions, holds.values(), consents, body):
        proof = await _proof(
            store, decisions, holds.values(), consents, let_go=await _let_go(store, message_id)
        )
    files["audit.json"] = _json(proof)
    files["index.html"] = page(message_id, orjson.loads(files["explanation.json"]), now).encode()
    return await asyncio.to_thread(_zip, files, keys, message_id, now)


async def _consents(store: Rows, decisions: Sequence[DecisionRow]) -> list[ConsentRow]:
    found: list[ConsentRow] = []
    for ref in sorted({(d.lane, d.controller, d.subject) for d in decisions if any(d.subject)}):
        sql = (
            f"SELECT {e.CONSENT_COLUMNS} FROM consent_events"
            " WHERE lane = ? AND controller = ? AND subject = ? ORDER BY id"
        )
        found.extend(ConsentRow(*row) for row in await store.rows(sql, ref))
    return found


async def _let_go(store: Rows, message_id: str) -> Entries:
    """What the log says of words and facts of a message that the retention took out since."""
    found: Entries = {}
    sql = (
        f"SELECT {e.COLUMNS} FROM audit WHERE chain = ? AND seq > ? AND kind = '{RETAINED}'"
        " ORDER BY seq LIMIT 100"
    )
    for (chain,) in await e.chains(store):
        last = 0
        while rows := await store.rows(sql, (chain, last)):
            told = map(Entry._make, rows)
            found.update({(chain, one.seq): one for one in told if message_id.encode() in one.detail})
            last = rows[-1][0]
    return found


async def _proof(
    store: Rows,
    decisions: Sequence[DecisionRow],
    holds: Iterable[HoldRow],
    consents: Sequence[ConsentRow],
    let_go: Entries | None = None,
) -> dict[str, Any]:
    names = {d.id for d in decisions} | {h.id for h in holds} | {c.id for c in consents}
    times = {d.at for d in decisions} | {h.decided_at for h in holds if h.decided_at}
    times |= {c.recorded_at for c in consents}
    sure = {(d.id, "decision") for d in decisions} | {(c.id, "consent") for c in consents}
    sure |= {(h.id, "hold") for h in holds if h.status in e.DECIDED}
    found = await e.speaking_of(store, names, times, sure) | (let_go or {})
    links: dict[str, list[Any]] = {}
    heads = await e.heads(store)
    for chain in sorted({chain for chain, _ in found}):
        first = min(seq for name, seq in found if name == chain)
        before = await store.rows("SELECT hash FROM audit WHERE chain = ? AND seq = ?", (chain, first - 1))
        told: list[Any] = [bytes(before[0][0]).hex() if before else bytes(32).hex()]
        async for rows in e.read_chain(store, chain, first - 1, min(heads[chain][0], first - 1 + LINKS)):
            told.extend(
                [r.seq, r.at, r.kind, r.reference, r.actor, r.digest.hex(), r.hash.hex()] for r in rows
            )
        links[chain] = told
    return {
        "entries": [{"chain": chain, **_entry(entry)} for (chain, _), entry in sorted(found.items())],
        "links": links,
        "heads": {chain: [seq, mark.hex()] for chain, (seq, mark) in heads.items() if chain in links},
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        name: value.hex() if isinstance(value, bytes) else value for name, value in entry._asdict().items()
    }


def _zip(files: dict[str, bytes], keys: Keys, message_id: str, now: float) -> bytes:
    manifest = _json(
        {
            "version": 1,
            "message": message_id,
            "made_at": moment(now),
            "files": {name: sha256(data).hexdigest() for name, data in files.items()},
            "key": public_key(keys.signing).hex(),
        }
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, manifest)
        archive.writestr("manifest.sig", base64.b64encode(sign(keys.signing, manifest)))
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


# -- checking -----------------------------------------------------------------------------------------


def verify_pack(data: bytes, trusted: bytes | None = None) -> Checked:
    """What holds in a pack. With a trusted public key it must be signed with that one. Raises BadPack."""
    files = _unzip(data)
    try:
        manifest = orjson.loads(files[MANIFEST])
        key = bytes.fromhex(manifest["key"])
        signature = base64.b64decode(files["manifest.sig"], validate=True)
        if not is_signed(key, signature, files[MANIFEST]):
            raise BadPack("the manifest does not fit its signature")
        if trusted is not None and trusted != key:
            raise BadPack("it was signed with another key than the one you trust")
        _check_files(files, manifest["files"])
        lines = [
            f"message {manifest['message']}, exported {manifest['made_at']}",
            f"{len(manifest['files'])} files fit the manifest, the manifest fits its signature",
            f"signed with {key.hex()}"
            + ("" if trusted else " (compare it with the one that the gateway's owner publishes)"),
            *_check_proof(files),
            *_check_versions(files),
        ]
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise BadPack(f"something in it cannot be read ({type(error).__name__})") from error
    return Checked(lines=tuple(lines), signer=key)


def _unzip(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > LARGEST:
                raise BadPack("it is larger than any pack")
            names = archive.namelist()
            if len(names) != len(set(names)):
                raise BadPack("a file stands in it twice")
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError) as error:
        raise BadPack("it is no ZIP archive, or a damaged one") from error


def _check_files(files: dict[str, bytes], told: dict[str, str]) -> None:
    there = set(files) - {MANIFEST, "manifest.sig"}
    for name in sorted(there ^ set(told)):
        raise BadPack(f"{name} is {'missing' if name in told else 'not in the manifest'}")
    for name, mark in told.items():
        if sha256(files[name]).hexdigest() != mark:
            raise BadPack(f"{name} was changed")


def _bytes(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: bytes.fromhex(value) if name in names else value for name, value in row.items()}


def _check_proof(files: dict[str, bytes]) -> list[str]:
    proof = orjson.loads(files["audit.json"])
    message = MessageRow(**_bytes(orjson.loads(files["message.json"]), "meta", "reading"))
    rows = _by_name(
        [
            DecisionRow(**_bytes(told, "subject", "violations", "snapshot"))
            for told in orjson.loads(files["decisions.json"])
        ],
        [HoldRow(**_bytes(told, "subject")) for told in orjson.loads(files["holds.json"])],
        [ConsentRow(**_bytes(told, "subject", "proof")) for told in orjson.loads(files["consents.json"])],
    )
    linked = _check_links(proof["links"])
    entries = _entries(proof)
    for (chain, _), entry in entries.items():
        place = linked.get((chain, entry.seq))
        if place is not None and place != (entry.reference, entry.digest, entry.hash):
            raise BadPack(f"{chain} entry {entry.seq} is not the one in its chain")
    emptied, since = _emptied(entries)
    salted = [entry for entry in entries.values() if entry.salt]
    for entry in salted:
        if not _fits(entry, rows, message, files.get("message.eml"), emptied):
            kind = entry.kind.partition(".")[0]
            raise BadPack(f"the {kind} {entry.reference} is not the one that the audit log saw")
    lines = [
        f"{len(salted)} audit entries fit the decisions, holds and consents in it",
        f"{len(linked)} entries follow one another in {len(proof['links'])} chains",
    ]
    if since:
        lines.append(f"words or facts went since, by the retention, as the log says: {', '.join(since)}")
    return lines


def _by_name(
    decisions: Iterable[DecisionRow], holds: Iterable[HoldRow], consents: Iterable[ConsentRow]
) -> Named:
    rows: Named = {}
    for decision in decisions:
        rows.setdefault(("decision", decision.id), []).append(decision)
    for hold in holds:
        rows.setdefault(("hold", hold.id), []).append(hold)
    for consent in consents:
        rows.setdefault(("consent", consent.id), []).append(consent)
    return rows


def _entries(proof: dict[str, Any]) -> Entries:
    found: Entries = {}
    for told in proof["entries"]:
        fields = {name: value for name, value in told.items() if name != "chain"}
        entry = Entry(**_bytes(fields, "digest", "salt", "detail", "hash"))
        found[told["chain"], entry.seq] = entry
    return found


def _emptied(entries: Entries) -> tuple[frozenset[str], list[str]]:
    """Rows that the retention emptied, as `table:name`, and when. Raises BadPack."""
    found, when = set[str](), list[str]()
    for (chain, _), entry in entries.items():
        if entry.kind == RETAINED:
            if not e.declares(entry):
                raise BadPack(f"{chain} entry {entry.seq}: its list of removed rows was changed")
            rows = orjson.loads(entry.detail).get("rows", {})
            found.update(f"{table}:{name}" for table, names in rows.items() for name in names)
            when.append(moment(entry.at))
    return frozenset(found), when


def _all_fit(
    proof: dict[str, Any],
    message: MessageRow,
    decisions: Iterable[DecisionRow],
    holds: Iterable[HoldRow],
    consents: Iterable[ConsentRow],
    body: bytes | None,
) -> bool:
    rows = _by_name(decisions, holds, consents)
    salted = (entry for entry in _entries(proof).values() if entry.salt)
    return all(_fits(entry, rows, message, body, frozenset()) for entry in salted)


def _check_links(links: dict[str, list[Any]]) -> dict[tuple[str, int], tuple[str, bytes, bytes]]:
    found: dict[tuple[str, int], tuple[str, bytes, bytes]] = {}
    for chain, (first, *told) in links.items():
        before = bytes.fromhex(first)
        for seq, at, kind, reference, actor, digest, mark in told:
            entry = Entry(
                seq, at, kind, reference, actor, bytes.fromhex(digest), b"", b"", bytes.fromhex(mark)
            )
            if not entry.follows(before, chain):
                raise BadPack(f"{chain} entry {seq} does not follow the one before it")
            found[chain, seq] = (reference, entry.digest, entry.hash)
            before = entry.hash
    return found


def _fits(entry: Entry, rows: Named, message: MessageRow, body: bytes | None, emptied: Set[str]) -> bool:
    """Whether the rows are those that an entry saw, but for what was taken out of them on purpose."""
    kind, _, status = entry.kind.partition(".")
    there = rows.get((kind, entry.reference), [])
    if kind == "decision":
        fits = f"decisions:{entry.reference}" in emptied
        fits = fits or any(decision_digest(d, entry.salt, entry.detail) == entry.digest for d in there)
        if fits and entry.detail and any(entry.detail[:SALT]):
            salt, said, octets = (
                entry.detail[:SALT],
                entry.detail[SALT : SALT + 32],
                entry.detail[SALT + 32 :],
            )
            fits = f"messages:{message.id}" in emptied or message_digest(message, salt) == said
            if fits and body is not None:
                fits = body_digest(body, salt) == octets
        return fits
    if kind == "hold":
        fits = all(h.status != status or hold_digest(h, entry.salt) == entry.digest for h in there)
        return fits or _held_anew(entry, rows)
    return any(consent_digest(c, entry.salt) == entry.digest for c in there)


def _held_anew(entry: Entry, rows: Named) -> bool:
    """Whether the message was held once more, on its way out, after this entry of its hold."""
    return any(
        decision.at > entry.at and decision.outcome == Outcome.HOLD
        for (kind, name), found in rows.items()
        if kind == "decision" and name.partition(".")[0] == entry.reference
        for decision in found
    )


def _check_versions(files: dict[str, bytes]) -> list[str]:
    versions: dict[str, dict[str, str]] = {}
    for name, data in files.items():
        if name.startswith("policies/"):
            _, version, path = name.split("/", 2)
            versions.setdefault(version, {})[path] = data.decode("utf-8", "surrogatepass")
    for version, texts in versions.items():
        whole = "\0".join(f"{name}\0{texts[name]}" for name in sorted(texts))
        if fingerprint(whole) != version:
            raise BadPack(f"the policy texts are not those of version {version}")
    return [f"the policy texts are those of version {version}" for version in sorted(versions)]
