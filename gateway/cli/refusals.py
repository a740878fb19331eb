"""What a command refuses to begin with, told in plain lines."""

from gateway.access import AccessError
from gateway.app.parts import StartError
from gateway.keys import KeysError
from gateway.policy.load import PolicyErrors
from gateway.reading.lexicon import BadLexicon
from gateway.settings import SettingsError
from gateway.store.protocol import StoreError
from gateway.workers import WorkersError

REFUSALS = (
    StartError,
    AccessError,
    KeysError,
    PolicyErrors,
    BadLexicon,
    SettingsError,
    StoreError,
    WorkersError,
    OSError,
)
"""What keeps a gateway from starting, each with a text that says what to do."""
