"""The composition root: builds what `serve` runs, starts it, stops it. No logic."""

from gateway.app.parts import Ledger, Parts, StartError, open_ledger, open_parts
from gateway.app.rights import make_rights
from gateway.app.serving import App, build

__all__ = ["App", "Ledger", "Parts", "StartError", "build", "make_rights", "open_ledger", "open_parts"]
