"""The sheet on which the visible text of a page is put together."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Visible text, hidden passages with the way they were hidden, link targets with the place of
    their words in the text, how many pictures, and `besides`: what only some see, such as the words that
    stand in for a picture, or all of a page of which something is hidden."""

    text: str
    hidden: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[int, int, str], ...] = ()
    images: int = 0
    truncated: bool = False
    besides: tuple[str, ...] = ()


Chunk = tuple[bool, tuple[str, ...], int, bool, tuple[tuple[int, int, str], ...], int, tuple[str, ...]]
"""What a self-contained part of a page adds after a break: (wide break, text, its length, whether it ends
blank, links from where it begins, pictures, what only some see)"""
_FEW = 3
"""Blanks between words that make them more than a label."""
_LABELS = 8
"""Words in labels that may say something when they are read one after another."""
MOST_UNSEEN = 60_000
"""Characters of what only some see; what is beyond sets `truncated`."""


def join(pages: Sequence[Page]) -> Page:
    """Pages that are shown one below another, as one; what one of them leaves open ends with it."""
    texts, links, place = [], [], 0
    for page in pages:
        links += [(start + place, end + place, href) for start, end, href in page.links]
        texts.append(page.text)
        place += len(page.text) + 2
    return Page(
        text="\n\n".join(texts),
        hidden=tuple(one for page in pages for one in page.hidden),
        links=tuple(links),
        images=sum(page.images for page in pages),
        truncated=any(page.truncated for page in pages),
        besides=tuple(one for page in pages for one in page.besides),
    )


class Sheet:
    """Builds the visible text with its links while the page is read."""

    __slots__ = ("all", "blank", "hidden", "images", "length", "links", "out", "said", "unseen", "whys")

    def __init__(self) -> None:
        self.out: list[str] = []
        self.length = 0
        self.blank = True
        self.hidden: list[str] = []
        self.whys: list[tuple[str, str]] = []
        self.links: list[tuple[int, int, str]] = []
        self.images = 0
        self.said: list[str] = []
        self.all: list[str] | None = None  # seen and hidden text together, once something is hidden
        self.unseen = 0

    def add(self, text: str) -> None:
        """Add text; a blank after a blank or a break is left out."""
        if self.blank and text[:1] == " ":
            text = text[1:]
        if text:
            self.out.append(text)
            self.length += len(text)
            self.blank = text[-1] == " "
            if self.all is not None:
                self.all.append(text)

    def line(self, *, wide: bool) -> None:
        """Break the line, unless it is broken; a wide break leaves a line empty."""
        last = self.out[-1] if self.out else "\n\n"
        if last == "\n\n":
            return
        if last == "\n":
            if wide:
                self.out[-1] = "\n\n"
                self.length += 1
            return
        mark = "\n\n" if wide else "\n"
        self.out.append(mark)
        self.length += len(mark)
        self.blank = True
        if self.all is not None:
            self.all.append(mark)

    def conceal(self, text: str, why: str) -> None:
        """Note hidden text and the way it is hidden."""
        if not text.strip():
            if self.all is not None:
                self.all.append(text)
            return
        if len(self.whys) < 200:
            self.whys.append((text.strip()[:2000], why))
        if self.all is None:
            self.all = list(self.out)
        self.unseen += len(text)
        if self.unseen <= MOST_UNSEEN:
            self.all.append(text)

    def break_unseen(self) -> None:
        """Break the line of hidden text."""
        if self.all is not None:
            self.all.append("\n")

    def say(self, words: str) -> None:
        """Note what only some see, if anything."""
        if not words:
            return
        self.unseen += len(words)
        if self.unseen <= MOST_UNSEEN:
            self.said.append(words)

    def add_chunk(self, chunk: Chunk) -> None:
        """Add what a self-contained part of a page comes to."""
        wide, parts, length, blank, links, images, said = chunk
        self.line(wide=wide)
        if parts:
            for start, end, href in links:
                self.links.append((self.length + start, self.length + end, href))
            self.out += parts
            self.length += length
            self.blank = blank
            if self.all is not None:
                self.all += parts
        self.images += images
        if said:
            for words in said:
                self.say(words)

    def page(self, truncated: bool) -> Page:
        """The page as it stands."""
        text = "".join(self.out).rstrip()
        links = tuple((a, min(b, len(text)), href) for a, b, href in self.links if a <= len(text))
        return Page(
            text=text,
            hidden=tuple(self.whys),
            links=links,
            images=self.images,
            truncated=truncated or self.unseen > MOST_UNSEEN,
            besides=self._besides(),
        )

    def _besides(self) -> tuple[str, ...]:
        """What only some see; labels of a few words count together."""
        besides = [] if self.all is None else ["".join(self.all)]
        besides += [one for one in self.said if one.count(" ") >= _FEW]
        labels = " ".join([one for one in self.said if one.count(" ") < _FEW])
        if labels.count(" ") >= _LABELS - 1:
            besides.append(labels)
        return tuple(besides)
