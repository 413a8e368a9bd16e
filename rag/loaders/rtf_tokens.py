"""RTF as a stream of braces, control words and bytes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    rb"\\([A-Za-z]{1,40})(-?\d{1,10})? ?|\\'([0-9A-Fa-f]{2})|\\([^A-Za-z])|([{}])|([^\\{}\r\n\0]+)|[\r\n\0]+",
    re.DOTALL,
)
SIGNS = {
    b"~": "\u00a0", b"_": "-", b"-": "", b"\n": "\n", b"\r": "\n", b"\t": "\t", b"|": "", b":": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """A control word with its number, or a brace, "*" or "sign" with its character, or "text" with bytes."""

    word: str
    number: int | None = None
    data: bytes = b""


def tokens(content: bytes) -> Iterator[Token]:
    """Everything but line breaks, which mean nothing in RTF, and binary data, which is passed over."""
    place = 0
    while place < len(content):
        found = TOKEN.match(content, place)
        if found is None:  # a backslash at the very end
            return
        place = found.end()
        word, number, code, sign, brace, text = found.groups()
        if word is not None:
            if word == b"bin":
                place += max(0, int(number or 0))
            else:
                yield Token(word.decode("ascii"), int(number) if number else None)
        elif code is not None:
            yield Token("text", None, bytes([int(code, 16)]))
        elif sign is not None:
            yield _sign(sign)
        elif brace is not None:
            yield Token(brace.decode())
        elif text is not None:
            yield Token("text", None, text)


def _sign(sign: bytes) -> Token:
    if sign == b"*":
        return Token("*")
    return Token("sign", None, sign) if sign in SIGNS else Token("text", None, sign)
