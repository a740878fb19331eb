"""The sheet on which the visible text of a page is put together."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Visible text, hidden passages with the way they were hidden, link targets with the place of
    their words in the text, and how many pictures."""

    text: str
    hidden: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[int, int, str], ...] = ()
    images: int = 0
    truncated: bool = False


class Sheet:
    """Builds the visible text with its links while the page is read."""

    __slots__ = ("blank", "hidden", "images", "length", "links", "out", "whys")

    def __init__(self) -> None:
        self.out: list[str] = []
        self.length = 0
        self.blank = True
        self.hidden: list[str] = []
        self.whys: list[tuple[str, str]] = []
        self.links: list[tuple[int, int, str]] = []
        self.images = 0

    def add(self, text: str) -> None:
        """Add text; a blank after a blank or a break is left out."""
        if self.blank and text[:1] == " ":
            text = text[1:]
        if text:
            self.out.append(text)
            self.length += len(text)
            self.blank = text[-1] == " "

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

    def conceal(self, text: str, why: str) -> None:
        """Note hidden text and the way it is hidden."""
        if text.strip() and len(self.whys) < 200:
            self.whys.append((text.strip()[:2000], why))

    def add_chunk(
        self, chunk: "tuple[bool, tuple[str, ...], int, bool, tuple[tuple[int, int, str], ...], int]"
    ) -> None:
        """Add what a self-contained part of a page comes to; see html.Chunk."""
        wide, parts, length, blank, links, images = chunk
        self.line(wide=wide)
        if parts:
            for start, end, href in links:
                self.links.append((self.length + start, self.length + end, href))
            self.out += parts
            self.length += length
            self.blank = blank
        self.images += images

    def page(self, truncated: bool) -> Page:
        """The page as it stands."""
        text = "".join(self.out).rstrip()
        links = tuple((a, min(b, len(text)), href) for a, b, href in self.links if a <= len(text))
        return Page(text=text, hidden=tuple(self.whys), links=links, images=self.images, truncated=truncated)
