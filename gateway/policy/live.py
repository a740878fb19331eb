"""The policies in force: the last good set, whatever the files say meanwhile."""

from dataclasses import replace
from typing import Literal

from gateway.policy.cases import Reads
from gateway.policy.document import PolicyErrors, Problem
from gateway.policy.load import Path, load
from gateway.policy.policies import PolicySet

_GONE = Problem(
    file="policies",
    line=0,
    column=0,
    text="the folder holds no policies any more, so those from before stay; restart to run without any",
)
"""A volume that was lost would let everything pass."""

BROKEN = Problem(
    file="policies",
    line=0,
    column=0,
    text="the files on disk could not be read through, so those from before stay",
    suggestion="the log says where it stopped (policies.broken)",
)
"""A fault of the gateway's own, where reading was to find one of the files'."""


class LivePolicies:
    """Holds the last set that loaded. `problem` says why the files on disk are not in force, "" when
    they are. With `observing` nothing but the floor is enforced (GALATEO_MODE=observe)."""

    def __init__(self, current: PolicySet | None = None, *, observing: bool = False) -> None:
        self._observing = observing
        self.current = replace(current or PolicySet(), observing=observing)
        self.problems: tuple[Problem, ...] = ()

    @property
    def problem(self) -> str:
        """The first problem of the files on disk, and how many more there are."""
        if not self.problems:
            return ""
        more = len(self.problems) - 1
        return str(self.problems[0]) + (f" (and {more} more)" if more else "")

    def reload(self, folder: Path, reader: Reads | None = None, lexicons: Path | None = None) -> bool:
        """Takes the folder's policies if there are any, they load and their cases pass; else keeps what it
        has. True when the folder's policies are now in force."""
        try:
            loaded = load(folder, reader, lexicons)
        except PolicyErrors as error:
            return self.refuse(*error.problems)
        if self.current.policies and not loaded.policies:
            return self.refuse(_GONE)
        self.problems = ()
        if loaded.version != self.current.version:
            self.current = replace(loaded, observing=self._observing)
        return True

    def refuse(self, *problems: Problem) -> Literal[False]:
        """Keeps what it has, and says why: for whoever reads the policies, and what stands beside them."""
        self.problems = problems
        return False

    def refuse_lexicon(self, said: str) -> Literal[False]:
        """The same for a lexicon; `said` is `file:line: what is wrong`."""
        file, _, rest = said.partition(":")
        line, _, wrong = rest.partition(": ")
        at = int(line) if line.isdecimal() else 0
        return self.refuse(Problem(file=f"lexicons/{file}", line=at, column=0, text=wrong if at else said))
