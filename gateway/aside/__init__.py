"""Reading in a process of its own, so that reading and deciding use two cores."""

from gateway.aside.aside import Aside

__all__ = ["Aside"]
