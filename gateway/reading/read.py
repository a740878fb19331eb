"""read(content) -> Reading: what a text says, with the words that show it."""

import dataclasses

from msgspec.structs import replace

from gateway.message.content import Content
from gateway.reading.besides import SURE, count_against, gather
from gateway.reading.cache import Kept
from gateway.reading.findings import judge
from gateway.reading.lexicon import Lexicons
from gateway.reading.phrases import Study, study
from gateway.reading.reading import Reading
from gateway.reading.sheet import Page, join

MAX_TEXT = 60_000
"""Characters of visible text that are looked at; the rest sets `truncated`."""
MAX_SUBJECT = 1_000


class Reader:
    """Reads texts with these lexicons. Pure, but for a bounded memory of phrases read before: the
    same content gives the same Reading whatever was read in between."""

    def __init__(self, lexicons: Lexicons, phrases_kept: int = 12_000) -> None:
        self._lexicons = lexicons
        self._kept = Kept(lexicons, phrases_kept)

    @property
    def lexicons(self) -> Lexicons:
        """What it reads with."""
        return self._lexicons

    def prepare(self) -> None:
        """Do now what the first text of each language would wait for, half a second for most."""
        for lexicon in self._lexicons.by_language.values():
            _ = lexicon.matcher

    def adopt(self, other: "Reader") -> None:
        """Read with the lexicons of another reader from now on."""
        self._lexicons, self._kept = other._lexicons, other._kept  # noqa: SLF001 (of its own kind)

    def read(self, content: Content) -> Reading:
        """What this text says; never raises, whatever the text."""
        page = self.see(content)
        seen: Study = study(content, page, self._kept)
        reading = judge(content, page, seen, self._lexicons.weights)
        if reading.promotional.score < SURE:
            said = gather(content, page)
            unread = said.cut
            if said.within or said.apart or seen.doubted:
                within = len(page.text) + 2
                apart = within + len(said.within) + 2
                page = dataclasses.replace(page, text=f"{page.text}\n\n{said.within}\n\n{said.apart}")
                doubted = ("footer", *seen.doubted)
                seen = study(content, page, self._kept, doubted=doubted, besides=(within, apart))
                more = judge(content, page, seen, self._lexicons.weights)
                reading = count_against(reading, more, within)
                unread = unread or seen.truncated
            if unread:
                reading = replace(reading, truncated=True)
        return reading

    def features(self, content: Content) -> dict[str, float]:
        """The sums that the findings are weighed from, by name: what weights are fitted on."""
        page = self.see(content)
        seen = study(content, page, self._kept)
        judge(content, page, seen, self._lexicons.weights)
        return seen.features

    def see(self, content: Content) -> Page:
        """The visible text that offsets of evidence point into, and what is hidden in it."""
        if content.html and not content.html.isspace():
            read = self._kept.pages.read
            page = join([read(one) for one in content.shown]) if content.shown else read(content.html)
            text = page.text
            if len(text) <= MAX_TEXT:
                return page
            return dataclasses.replace(page, text=text[:MAX_TEXT], truncated=True)
        text = content.text
        if "\r" in text[:MAX_TEXT]:
            text = text[: MAX_TEXT * 2].replace("\r\n", "\n").replace("\r", "\n") + text[MAX_TEXT * 2 :][:1]
        return Page(text=text[:MAX_TEXT], truncated=len(text) > MAX_TEXT)
