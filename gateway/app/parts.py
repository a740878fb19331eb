"""What `serve` and the commands share: the files that are read, the store, and what works on it."""

import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gateway.access import Access, development_access
from gateway.app.access_file import read_access_file
from gateway.delivery.dkim import BadKey, SigningKeys, load_signing_keys
from gateway.evidence.rotation import with_known
from gateway.intake.consents import Consents
from gateway.intake.letterhead import Letterhead
from gateway.intake.letters import Office
from gateway.intake.optin import OptIns
from gateway.keys import Keys, has_keys, load_keys, new_keys, save_keys
from gateway.metrics import Metrics
from gateway.policy.live import LivePolicies
from gateway.policy.load import load as load_policies
from gateway.reading.lexicon import BadLexicon
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader
from gateway.review import Review, look
from gateway.settings import Settings
from gateway.settings.values import is_folder
from gateway.store.postgres import PostgresStore
from gateway.store.protocol import Store, WrongKeys
from gateway.store.sqlite import SqliteStore


class StartError(Exception):
    """The gateway cannot start; the text says what to do, in one line each."""


@dataclass(slots=True, kw_only=True)
class Parts:
    """Everything that works on the store, without listeners: what `serve` and the CLI share."""

    settings: Settings
    access: Access
    keys: Keys
    store: Store
    reader: Reader
    policies: LivePolicies
    metrics: Metrics
    review: Review
    consents: Consents
    letterhead: Letterhead | None
    optins: OptIns
    signing: SigningKeys


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What people agreed to, and the store that it is kept in: no policy is read for it. `shared` says that
    it is a server's, which locks person by person."""

    access: Access
    store: Store
    consents: Consents
    shared: bool


def read_access(settings: Settings) -> Access:
    """The access file, or the development source. Raises StartError, AccessError."""
    if settings.access.exists():
        return read_access_file(settings.access)
    if settings.development:
        return development_access(settings.default_class or "")
    raise StartError(
        f"There is no access file at {settings.access}. Write one (see docs/operations.md), or set"
        " GALATEO_DEVELOPMENT=1 to try the gateway on this machine without passwords."
    )


def read_keys(path: Path, *, make: bool) -> Keys:
    """The key file; a new one at the first start on SQLite. Raises StartError, KeysError."""
    if has_keys(path):
        return load_keys(path)
    if not make:
        raise StartError(
            f"There is no key file at {path}. Every replica needs the same one: see docs/operations.md"
        )
    keys = new_keys()
    save_keys(path, keys)
    return keys


def read_policies(settings: Settings) -> tuple[Reader, LivePolicies]:
    """The reader with its lexicons, and the policies that passed their cases. Raises StartError,
    PolicyErrors."""
    folder = settings.policies_folder
    if not folder.is_dir():
        raise StartError(
            f"GALATEO_POLICIES: there is no folder {folder}. Name the one that holds your policies,"
            " jurisdictions and lexicons; where none is named, the shipped ones are used."
        )
    try:
        reader = Reader(load_lexicons(folder / "lexicons", settings.spare_lexicons))
    except BadLexicon as error:
        hint = "" if settings.shipped_lexicons else ". GALATEO_SHIPPED_LEXICONS=1 takes those of the package"
        raise StartError(f"GALATEO_POLICIES: {folder / 'lexicons'}: {error}{hint}") from error
    current = load_policies(folder, reader, settings.spare_lexicons)
    return reader, LivePolicies(current, observing=settings.mode == "observe")


def open_store(
    settings: Settings, metrics: Metrics | None, *, serving: bool, chain: str = "gateway"
) -> Store:
    """The store that the settings name. Raises StoreError."""
    file = settings.sqlite_file
    observe = metrics.commit if metrics else (lambda seconds, size: None)
    if file is None:
        url = settings.database.get_secret_value()
        return PostgresStore(url, observe=observe, serving=serving, chain=chain)
    return SqliteStore(file, clock=time.time, observe=observe, serving=serving, chain=chain)


def read_signing(settings: Settings) -> SigningKeys:
    """The DKIM keys, if any. Raises StartError."""
    if settings.dkim_keys is None:
        return {}
    try:
        return load_signing_keys(settings.dkim_keys)
    except BadKey as error:
        raise StartError(f"GALATEO_DKIM_KEYS: {error}") from error


def check_checkpoints(settings: Settings) -> None:
    """Whether checkpoints have a place. Raises StartError."""
    file = settings.checkpoint_file
    if file is not None and not is_folder(file.parent):
        raise StartError(
            f"GALATEO_CHECKPOINT_FILE: there is no folder {file.parent.absolute()}. Make it, or mount what"
            " belongs there: checkpoints prove most where who can write to the database cannot."
        )


def make_letterhead(settings: Settings, keys: Keys, signing: SigningKeys) -> Letterhead | None:
    """What adds a way out to marketing mail; nothing without an https PUBLIC_URL."""
    if not settings.public_url.startswith("https://"):
        return None
    domains = (settings.return_path_domain, *settings.reply_domains) if settings.reply_listen else ()
    return Letterhead(
        keys,
        settings.public_url,
        mailbox_domain=next(filter(None, domains), ""),
        signs=signing.__contains__,
        relay_signs=settings.relay_signs,
        resign=settings.dkim_signed == "sign",
    )


def make_office(settings: Settings) -> Office:
    """Where the gateway's own letters come from, and where their links lead."""
    host = urlsplit(settings.public_url).hostname or "localhost"
    return Office(public_url=settings.public_url, sender=settings.letters_from or f"no-reply@{host}")


async def start_store(
    settings: Settings, metrics: Metrics | None, *, serving: bool, chain: str
) -> tuple[Store, Keys]:
    """The store, started, and the keys that it goes with. Raises StartError, KeysError, StoreError."""
    made = not has_keys(settings.keys_file)
    keys = read_keys(settings.keys_file, make=not settings.postgres)
    store = open_store(settings, metrics, serving=serving, chain=chain)
    await store.start()
    try:
        await store.fingerprint(keys.fingerprint)
        await look(store)
        return store, await with_known(store, keys)
    except BaseException as error:
        await store.close()
        if made and isinstance(error, WrongKeys):  # nobody should take it for the one that is missing
            settings.keys_file.unlink(missing_ok=True)
        raise


async def open_ledger(settings: Settings, *, chain: str) -> Ledger:
    """Open the store for the consent log alone, which takes a fraction of the time."""
    access = read_access(settings)
    store, keys = await start_store(settings, None, serving=False, chain=chain)
    return Ledger(access=access, store=store, consents=Consents(store, keys), shared=settings.postgres)


async def open_parts(settings: Settings, *, serving: bool, chain: str = "gateway") -> Parts:
    """Read the files, open the store, load the policies."""
    access = read_access(settings)
    signing = read_signing(settings)
    reader, policies = read_policies(settings)
    metrics = Metrics()
    store, keys = await start_store(settings, metrics, serving=serving, chain=chain)
    letterhead = make_letterhead(settings, keys, signing)
    return Parts(
        settings=settings,
        access=access,
        keys=keys,
        store=store,
        reader=reader,
        policies=policies,
        metrics=metrics,
        review=Review(
            store,
            reader,
            policies,
            access,
            keys,
            letterhead,
            metrics,
            four_eyes=settings.review_four_eyes,
            elsewhere=not serving,
            hold_seconds=settings.hold_expiry.total_seconds(),
        ),
        consents=Consents(store, keys),
        letterhead=letterhead,
        optins=OptIns(store, keys, make_office(settings)),
        signing=signing,
    )
