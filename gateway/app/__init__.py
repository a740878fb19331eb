"""The composition root: builds what `serve` runs, starts it, stops it. No logic."""

from gateway.app.parts import Parts, StartError, open_parts
from gateway.app.serving import App, build

__all__ = ["App", "Parts", "StartError", "build", "open_parts"]
