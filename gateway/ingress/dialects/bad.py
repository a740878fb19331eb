"""A request that a dialect refuses, before it is said in the dialect's own words."""

from collections.abc import Mapping

from aiohttp import web

from gateway.web.problem import Problem, problem_of


class Bad(Exception):
    """What is wrong with a request: an HTTP status, a text in English and the field, "" for none.

    `code` is the dialect's own number of the error where it has any, 0 to let the status tell; `kind` what
    the native API calls it, "" where a dialect found it.
    """

    def __init__(
        self,
        text: str,
        field: str = "",
        *,
        status: int = 400,
        code: int = 0,
        kind: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.field = field
        self.status = status
        self.code = code
        self.kind = kind
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, error: Problem | web.HTTPException) -> "Bad":
        """The same refusal as the native API would give."""
        problem = problem_of(error) if isinstance(error, web.HTTPException) else error
        fault = problem.faults[0] if problem.faults else None
        field = fault.pointer.removeprefix("#").strip("/").replace("/", ".") if fault else ""
        text = (fault.detail if fault else problem.detail).en
        return cls(text, field, status=problem.status, kind=problem.kind, headers=problem.headers)


def own_field(field: str, names: Mapping[str, str]) -> str:
    """What the caller calls a field that the native API calls by its path: the name in `names` of the longest
    path that leads to it; the field itself where none does."""
    steps = field.split(".")
    paths = (".".join(steps[:end]) for end in range(len(steps), 0, -1))
    return next((names[path] for path in paths if path in names), field)


def forbidden(text: str, field: str = "") -> Bad:
    """What this source may not do."""
    return Bad(text, field, status=403)


def too_large(text: str, field: str = "") -> Bad:
    """More than anyone may send."""
    return Bad(text, field, status=413, headers={"Connection": "close"})
