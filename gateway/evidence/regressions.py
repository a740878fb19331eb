"""Cases of the policies in force that come out differently under a draft."""

from collections.abc import Sequence

from gateway.policy.cases import Reads, Trial, try_cases
from gateway.policy.policies import PolicySet


def regressions(live: Sequence[Trial], draft: PolicySet, reader: Reads) -> list[str]:
    """One line for each case that holds in force and not under the draft. Cases that fail already are
    nobody's regression; a policy that the draft leaves out fails all of its cases."""
    fine = [trial.example for trial in live if trial.passed]
    left = [example for example in fine if draft.policy(example.policy) is None]
    found = [f"{example.policy}: {example.name}: the draft has no such policy" for example in left]
    kept = [example for example in fine if draft.policy(example.policy) is not None]
    broken = [trial for trial in try_cases(draft, kept, reader) if not trial.passed]
    return [*found, *(f"{t.example.policy}: {t.example.name}: {t.difference}" for t in broken)]
