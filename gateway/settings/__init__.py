"""Settings from the environment (GALATEO_*) and an optional galateo.toml, checked once at start."""

from gateway.settings.load import SettingsError, load, misspelled
from gateway.settings.settings import SHIPPED, SHIPPED_LEXICONS, Settings
from gateway.settings.values import Listen, SecretUrl, hide_password, parse_duration

__all__ = [
    "SHIPPED",
    "SHIPPED_LEXICONS",
    "Listen",
    "SecretUrl",
    "Settings",
    "SettingsError",
    "hide_password",
    "load",
    "misspelled",
    "parse_duration",
]
