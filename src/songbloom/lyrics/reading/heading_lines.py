"""Lines that are headings: `(Chorus)`, `Chorus:`, `**Verse 2**`, `## Bridge`, or the bare name."""

from songbloom.lyrics.reading.headings import Heading, read_heading
from songbloom.lyrics.reading.traced import Traced

_ORNAMENTS = "*_#=~<>{}|- "
_MARKS = tuple("*_#=~<{")  # ornaments that a sung line does not begin with
_LONGEST_BEFORE_COLON = 40


def line_heading(line: Traced) -> tuple[Heading, Traced, Traced] | None:
    """The heading that a line is, as written without its ornaments, and the words behind it.

    Square brackets belong to what is written, other brackets and a colon do not. There are words
    behind it in `Chorus: words`; an inline `[chorus] words` is none of this.
    """
    line = line.strip()
    core, marked = _core(line)
    ends = core.text[:1] + core.text[1:][-1:]
    inner = core[1:-1]
    if ends == "[]" and not {"[", "]"} & set(inner.text):
        heading = read_heading(inner.text, lenient=True)
        return (heading, core, line[len(line.text) :]) if heading else None
    if ends == "()":
        core, marked = inner, True
    heading = read_heading(core.text, lenient=False)
    if heading and heading.singers:  # `Verse 1 (Anna)`, but not the words `(Hook, line, sinker)`
        marked = False
        if not (ends == "()" or core.text.endswith(")")):
            heading = None
    if heading and (marked or heading.unmistakable):
        return heading, core, line[len(line.text) :]
    return _with_words(line)


def is_heading(line: Traced) -> bool:
    """Whether a line is a heading and nothing else."""
    found = line_heading(line)
    return found is not None and found[2].blank


def _core(line: Traced) -> tuple[Traced, bool]:
    """A line without ornaments and a last colon, and whether it had such as headings have."""
    marked = line.text[:1] in _MARKS or line.text.endswith((":", "-"))
    core = line
    for _ in range(2):  # **Chorus**: as well as **Chorus:**
        core = _bare(core, _ORNAMENTS)
        if core.text.endswith(":"):
            core, marked = core[:-1].strip(), True
    return core, marked


def _bare(text: Traced, signs: str) -> Traced:
    start = len(text.text) - len(text.text.lstrip(signs))
    return text[start : max(start, len(text.text.rstrip(signs)))]


def _with_words(line: Traced) -> tuple[Heading, Traced, Traced] | None:
    """`Chorus: words`, where the name is one that no sentence begins with so."""
    colon = line.text.find(":", 0, _LONGEST_BEFORE_COLON)
    if colon < 0:
        return None
    core, _ = _core(line[:colon])
    words = line[colon + 1 :]
    heading = read_heading(core.text, lenient=False)
    if heading is None or words.blank:
        return None
    if not (heading.unmistakable or heading.kind in ("chorus", "rap")):
        return None
    return heading, core, _bare(words, "*_ ")
