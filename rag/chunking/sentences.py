"""Where sentences end, in English, Chinese and Japanese."""

import re

_SENTENCE_END = re.compile(
    r"""(?:[。！？；…]+[”’」』）】》]*\s*)      # Chinese and Japanese need no space after it
      | (?:[.!?]+["'”’)\]]*\s+)
      | (?:\s*\n\s*)""",
    re.VERBOSE,
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|al|[Ff]igs?|[Ee]qs?|[Ss]ec|[Nn]os?|[Vv]ol|pp?|Dr|Mrs?|Ms|Prof|St|Jr|Inc|Ltd)"
    r"|\b[A-Z])\.\s+$"
)


def split_sentences(text: str) -> list[str]:
    """The sentences of `text` with the space after them: joined they are `text` again."""
    pieces: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if "\n" not in match.group() and _ABBREVIATION.search(text, start, match.end()):
            continue
        pieces.append(text[start : match.end()])
        start = match.end()
    if start < len(text):
        pieces.append(text[start:])
    return pieces
