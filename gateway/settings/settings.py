"""Every setting, its default and what it means. `GALATEO_` + the name in capitals is its variable."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ByteSize, Field, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from gateway.settings.values import (
    Address,
    Count,
    Domain,
    Domains,
    Duration,
    ForwardTo,
    Listen,
    ListenOrOff,
    LongDuration,
    LongTimeout,
    Networks,
    SecretUrl,
    Size,
    Timeout,
    WebhookSecret,
    is_folder,
    parse_root,
    url_of,
)
from gateway.terms import Class

PREFIX = "GALATEO_"
# Names the file; without it, galateo.toml in the working folder is read where there is one.
FILE_VARIABLE = "GALATEO_CONFIG"
DEFAULT_FILE = "galateo.toml"
# For these an empty value means "off"; elsewhere an empty variable is as good as none.
LISTENERS = ("smtp_listen", "smtps_listen", "http_listen", "ops_listen", "reply_listen")

# Capitals are as good as small letters.
Lowered = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)
Switch = Annotated[bool, Field(examples=["1 or 0"])]

# The policies that came with the package.
SHIPPED = Path(__file__).resolve().parents[1] / "shipped"
SHIPPED_LEXICONS = SHIPPED / "lexicons"

Database = Annotated[
    SecretUrl,
    NoDecode,
    url_of("sqlite", "postgresql", "postgres"),
    Field(examples=["sqlite:///./var/galateo.db or postgresql://galateo@db.example.com/galateo"]),
]
Relay = Annotated[
    SecretUrl | None,
    NoDecode,
    url_of("smtp", "smtps"),
    Field(examples=["smtp://relay.example.com:587 or smtps://user:password@relay.example.com"]),
]
WebUrl = Annotated[
    SecretUrl | None,
    NoDecode,
    url_of("http", "https"),
    Field(examples=["https://tool.example.com/galateo"]),
]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False, examples=["50"])]
PublicUrl = Annotated[
    str,
    url_of("http", "https"),
    BeforeValidator(parse_root),
    Field(examples=["https://mail.example.com"]),
]


class Settings(BaseSettings):
    """Frozen; limits and timeouts are above zero; URLs with passwords and secrets do not print."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
        env_ignore_empty=False,
    )

    # Where it listens
    smtp_listen: ListenOrOff = Listen("127.0.0.1", 2525)
    smtps_listen: ListenOrOff = None  # TLS from the first byte (RFC 8314)
    http_listen: ListenOrOff = Listen("127.0.0.1", 8080)  # ingest API and the pages for recipients
    ops_listen: ListenOrOff = Listen("127.0.0.1", 8081)  # console, admin API, metrics, health
    reply_listen: ListenOrOff = None  # where replies and bounces come in by SMTP
    reply_domains: Domains = ()  # recipients that it takes there; none given: any
    reply_trusted: str = Field("", examples=["mx.example.com"])  # authserv-id (RFC 8601) of your mail server
    reply_peers: Networks = ()  # which machines may bring that server's word; without, this one alone
    reply_forward: ForwardTo = ""  # where replies go on to: sender, an address, or off
    return_path_domain: Domain = ""  # bounces come back to addresses of its own there; without, to the tool's
    smtp_tls_cert: Path | None = None
    smtp_tls_key: Path | None = None
    smtp_proxy_protocol: Switch = False
    smtp_proxy_trusted: Networks = ()  # who may say, by PROXY protocol, whom it speaks for
    public_url: PublicUrl = "http://127.0.0.1:8080"  # how recipients reach HTTP_LISTEN; no slash at its end
    http_proxy_trusted: Networks = ()  # whose X-Forwarded-For says who visits

    # How recipients leave
    letters_from: Address = ""  # of the gateway's own letters; without, no-reply@ the host of PUBLIC_URL
    dkim_keys: Path | None = None  # a folder of private keys, each named <selector>._domainkey.<domain>.pem
    dkim_signed: Annotated[Literal["keep", "sign"], Lowered] = "keep"  # mail that came signed
    relay_signs: Switch = False  # RELAY signs (DKIM), so a tool's own List-Unsubscribe may be replaced
    tool_networks: Networks = ()  # private networks where a tool's one-click address may be

    # What it works on
    database: Database = SecretUrl("sqlite:///./var/galateo.db")
    policies: Path = Path("policies")
    shipped_lexicons: Switch = False  # those that the folder of policies lacks are the package's
    access: Path = Path("access.yaml")
    keys: Path | None = None  # pepper and signing keys; without it, beside the SQLite file
    mode: Annotated[Literal["enforce", "observe"], Lowered] = "enforce"
    read_aside: Switch = True  # under load, read in a process of its own, where there is a second core
    development: Switch = False
    default_class: Class | None = None  # of the development source; without it, the reading says

    # Where messages go
    relay: Relay = None
    webhook_relay: WebUrl = None
    webhook_secret: WebhookSecret = None
    relay_connections: Count = 16
    relay_timeout: Timeout = timedelta(seconds=60)  # for each command
    retry_max_age: LongTimeout = timedelta(days=4)  # RFC 5321 4.5.4.1: at least 4-5 days

    # How long things last
    hold_expiry: LongTimeout = timedelta(days=14)
    backdate_limit: LongDuration = timedelta(days=7)  # an event may report the past, but no further back
    grace: Duration = timedelta(seconds=20)  # at a stop, for sessions and deliveries under way

    # Where signed checkpoints of the audit log go, and how often
    checkpoint_file: Path | None = None  # without it, beside the key file
    checkpoint_interval: Timeout = timedelta(hours=1)
    checkpoint_webhook: WebUrl = None  # each is posted there as well
    checkpoint_secret: WebhookSecret = None

    # How holds are reviewed, and by whom
    review_sla: LongTimeout = timedelta(days=1)  # how long a hold should wait for a person at most
    review_four_eyes: Switch = False  # a release needs two reviewers
    session_idle: Timeout = timedelta(minutes=30)  # of the console
    session_longest: LongTimeout = timedelta(hours=12)
    sso_header: str = Field("", examples=["X-Forwarded-User"])  # by which a sign-on proxy names the reviewer
    sso_trusted: Networks = ()  # the proxies whose word counts

    # What a client may use
    max_message_bytes: Size = ByteSize(25 * 1024 * 1024)
    max_inflight_bytes: Size = ByteSize(256 * 1024 * 1024)  # all messages being received, together
    max_recipients: Count = 100  # RFC 5321 4.5.3.1.8: at least 100
    max_connections: Count = 500
    max_connections_per_peer: Count = 200
    source_rate: float = Field(
        0, ge=0, allow_inf_nan=False, examples=["50"]
    )  # messages/s of a source; 0: any
    command_timeout: Timeout = timedelta(minutes=5)  # RFC 5321 4.5.3.2.7
    data_timeout: Timeout = timedelta(minutes=10)  # for one whole message
    session_timeout: Timeout = timedelta(hours=1)
    max_errors: Count = 20  # refused commands in a session before it is closed
    auth_attempts: Count = 3

    log_level: Annotated[Literal["debug", "info", "warning", "error"], Lowered] = "info"

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != "" or name in LISTENERS}

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for disagreements in (
            self._mail_disagreements,
            self._limit_disagreements,
            self._other_disagreements,
            self._folders,
        ):
            for wrong, text in disagreements():
                if wrong:
                    raise ValueError(f"{PREFIX}{text}")
        return self

    def _mail_disagreements(self) -> list[tuple[bool, str]]:
        replies_from_anywhere = self.reply_listen is not None and not self.reply_listen.loopback
        return [
            (
                (self.smtp_tls_cert is None) != (self.smtp_tls_key is None),
                "SMTP_TLS_CERT and SMTP_TLS_KEY go together: name both files, or neither",
            ),
            (
                self.smtps_listen is not None and self.smtp_tls_cert is None,
                "SMTPS_LISTEN needs a certificate: set SMTP_TLS_CERT and SMTP_TLS_KEY, or SMTPS_LISTEN=off",
            ),
            (
                self.smtp_proxy_protocol and not self.smtp_proxy_trusted,
                (
                    "SMTP_PROXY_PROTOCOL needs SMTP_PROXY_TRUSTED, the networks of your proxies; "
                    "for example GALATEO_SMTP_PROXY_TRUSTED=10.0.0.0/8"
                ),
            ),
            (
                bool(self.reply_trusted) and replies_from_anywhere and not self.reply_peers,
                (
                    "REPLY_TRUSTED needs REPLY_PEERS, the networks of your mail servers, when others can "
                    "reach REPLY_LISTEN; for example GALATEO_REPLY_PEERS=10.0.0.0/8"
                ),
            ),
        ]

    def _limit_disagreements(self) -> list[tuple[bool, str]]:
        most, together = self.max_message_bytes, self.max_inflight_bytes
        return [
            (
                together < most,
                (
                    f"MAX_INFLIGHT_BYTES={together} could never take in a message of "
                    f"MAX_MESSAGE_BYTES={most}: set it to several times that"
                ),
            )
        ]

    def _other_disagreements(self) -> list[tuple[bool, str]]:
        open_to_others = [
            name for name in LISTENERS if (listen := getattr(self, name)) and not listen.loopback
        ]
        return [
            (
                bool(self.sso_header) and not self.sso_trusted,
                (
                    "SSO_HEADER needs SSO_TRUSTED, the networks of your sign-on proxies; "
                    "for example GALATEO_SSO_TRUSTED=10.0.0.0/8"
                ),
            ),
            (
                self.webhook_relay is not None and self.webhook_secret is None,
                "WEBHOOK_RELAY needs WEBHOOK_SECRET, to sign what is sent there",
            ),
            (
                self.checkpoint_webhook is not None and self.checkpoint_secret is None,
                "CHECKPOINT_WEBHOOK needs CHECKPOINT_SECRET, to sign what is sent there",
            ),
            (
                self.postgres and self.keys is None,
                (
                    "DATABASE on PostgreSQL needs KEYS, a file of keys that every replica shares; "
                    "for example GALATEO_KEYS=/etc/galateo/keys"
                ),
            ),
            (
                self.development and bool(open_to_others),
                (
                    f"DEVELOPMENT=1 has no passwords, so {', '.join(open_to_others).upper()} "
                    "must stay on this machine; for example 127.0.0.1:2525"
                ),
            ),
        ]

    def _folders(self) -> list[tuple[bool, str]]:
        return [
            (is_folder(self.sqlite_file), "DATABASE names a folder; for example sqlite:///./var/galateo.db"),
            (is_folder(self.keys), "KEYS names a folder; for example /etc/galateo/keys"),
            (
                is_folder(self.checkpoint_file),
                "CHECKPOINT_FILE names a folder; for example /mnt/elsewhere/galateo.checkpoints",
            ),
        ]

    @property
    def postgres(self) -> bool:
        """Whether the database is PostgreSQL rather than the embedded SQLite."""
        return self.database.get_secret_value().startswith("postgres")

    @property
    def sqlite_file(self) -> Path | None:
        """The embedded database's file (`sqlite:///relative`, `sqlite:////absolute`); None on PostgreSQL."""
        if self.postgres:
            return None
        return Path(self.database.get_secret_value().removeprefix("sqlite://").removeprefix("/"))

    @property
    def policies_folder(self) -> Path:
        """Where policies, jurisdictions and lexicons are; the shipped ones where none were named and the
        working folder has none."""
        named = "policies" in self.model_fields_set
        return self.policies if named or self.policies.is_dir() else SHIPPED

    @property
    def spare_lexicons(self) -> Path | None:
        """Where lexicons come from that the folder of policies lacks."""
        return SHIPPED_LEXICONS if self.shipped_lexicons else None

    @property
    def keys_file(self) -> Path:
        """Where pepper and signing keys are kept."""
        if self.keys is not None:
            return self.keys
        assert self.sqlite_file is not None
        return self.sqlite_file.with_suffix(".keys")

    @property
    def checkpoints(self) -> Path:
        """The file to which checkpoints of the audit log are added."""
        return self.checkpoint_file or self.keys_file.with_suffix(".checkpoints")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file; nothing else."""
        file = TomlConfigSettingsSource(settings_cls, Path(os.environ.get(FILE_VARIABLE) or DEFAULT_FILE))
        return init_settings, env_settings, file
