"""What an access file, or a policy about its sources, may well say and yet probably does not mean."""

from collections.abc import Collection, Iterable, Iterator
from unicodedata import normalize

from gateway.access.access import Access
from gateway.policy.document import did_you_mean
from gateway.policy.policies import Policy

UNKNOWN = "unknown"


def doubts(access: Access, laws: Collection[str]) -> Iterator[str]:
    """In words, each. `laws` are the jurisdictions for which there is a file."""
    for controller in access.controllers.values():
        code = controller.jurisdiction.casefold()
        if laws and code not in laws and code != UNKNOWN:
            hint = did_you_mean(code, sorted(laws))
            yield (
                f"controller {controller.name!r}: no file in jurisdictions/ has {code!r} ({hint}), so that "
                "what is strictest holds"
            )
    yield from _alike(access)
    yield from _in_others_names(access)
    for reviewer in access.reviewers.values():
        for name in reviewer.own:
            if name not in access.sources and "@" not in name and "/" not in name:
                whose = f"reviewer {reviewer.name!r}: own: {name!r}"
                yield f"{whose} is no source; it is taken for a sender's address"


def _alike(access: Access) -> Iterator[str]:
    """Names that people take for one another: what is meant for one reaches the other."""
    groups = {"source": access.sources, "controller": access.controllers, "reviewer": access.reviewers}
    for kind, names in groups.items():
        seen: dict[str, str] = {}
        for name in names:
            first = seen.setdefault(" ".join(normalize("NFKC", name).casefold().split()), name)
            if first != name:
                yield f"{kind} {name!r}: differs from {first!r} by capitals, blanks or Unicode form alone"


def _in_others_names(access: Access) -> Iterator[str]:
    """Where there are several controllers, who may write in the name of another one's domain, which the
    gateway signs for if it has the key."""
    if len(access.controllers) < 2:
        return
    owners: dict[str, set[str]] = {}
    for source in access.sources.values():
        for domain in source.from_domains:
            owners.setdefault(domain, set()).add(source.controller)
        if not source.from_domains:
            yield (
                f"source {source.name!r}: has no from_domains, so that it may write in the name of any "
                "domain, those of other controllers too"
            )
    for domain, several in sorted(owners.items()):
        if len(several) > 1:
            yield f"from_domains: {domain!r} stands at sources of {', '.join(sorted(several))}"


def unmet(access: Access, policies: Iterable[Policy]) -> Iterator[str]:
    """In words, each source that a policy applies to and that the access file does not have."""
    for policy in policies:
        unknown = sorted(policy.scope.source - access.sources.keys())
        idle = len(unknown) == len(policy.scope.source)
        for name in unknown:
            hint = did_you_mean(name, sorted(access.sources)) if access.sources else ""
            wrong = f"no source {name!r} stands in access.yaml{f' ({hint})' if hint else ''}"
            end = ", so that the policy applies to nothing" if idle else ""
            yield f"{policy.file}: applies_to: {wrong}{end}"
