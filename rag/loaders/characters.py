"""Which characters of a text are kept: everything that can be read, nothing that hides."""

import re
import unicodedata

LINE_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
# In Arabic and Indic scripts and between emoji the joiners are spelling; elsewhere they only hide.
IDLE_JOINERS = re.compile(
    "(?<![\u0600-\u08ff\u0900-\u0fff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
    "\u2600-\u27bf\U0001f000-\U0001faff])[\u200c\u200d]"
)
# Shapes rather than letters: ligatures, Arabic presentation forms, radicals. PDFs are full of them.
SHAPES = re.compile("[\ufb00-\ufb06\ufb1d-\ufdf9\ufdfb-\ufdff\ufe70-\ufefc\u2e80-\u2fd5]")


def clean(text: str) -> str:
    """`text` in NFC with plain line breaks and spaces, without control, zero-width or other unseen ones."""
    if text.isascii() and text.isprintable():
        return text
    text = LINE_BREAKS.sub("\n", text)
    text = SPACES.sub(" ", text)
    text = IDLE_JOINERS.sub("", UNSEEN.sub("", text))
    text = SHAPES.sub(lambda shape: unicodedata.normalize("NFKC", shape.group()), text)
    return unicodedata.normalize("NFC", text)


def squeeze(text: str) -> str:
    """`text` on one line: every run of white space becomes one space."""
    return " ".join(clean(text).split())
