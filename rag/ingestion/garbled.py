"""Whether a text can be read: not decoded, decoded wrongly, or letters that form no language. Pure."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Literal, TypeAlias

from rag.languages import Language
from rag.loaders.encodings import COMMON

Garbling: TypeAlias = Literal["undecoded", "misread", "gibberish"]

LOOKED_AT = 10  # places in a long text,
PLACE = 5_000  # characters each
MOST_UNDECODED = 0.05  # of what is not white space; bullets of symbol fonts are private characters too
MOST_MISREAD = 0.3  # of what is not ASCII
FEWEST_MISREAD = 8  # characters
FEWEST_LETTERS = 400
FEWEST_VOWELS = 0.22  # of the small letters of words: languages in Latin letters have 0.33 to 0.5
FEWEST_COMMON = 0.05  # of the Chinese characters: texts have 0.2 to 0.6 of the few hundred commonest

_UNDECODED = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
_HAN = re.compile("[\u4e00-\u9fff]")
_WORD = re.compile(r"\b[a-z]{3,20}\b")
_VOWEL = re.compile("[aeiouy]")
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def garbling(text: str, languages: Mapping[Language, float]) -> Garbling | None:
    """What is wrong with the characters of `text`, whose languages these are; None where it reads well."""
    sample = _sample(text)
    seen = len(sample) - sum(map(str.isspace, sample))
    if len(_UNDECODED.findall(sample)) > MOST_UNDECODED * seen:
        return "undecoded"
    if _is_misread_latin(sample) or _is_misread_chinese(sample):
        return "misread"
    return "gibberish" if _is_gibberish(sample, languages) else None


def _sample(text: str) -> str:
    """The text, or places spread over it where it is long."""
    if len(text) <= LOOKED_AT * PLACE:
        return text
    step = len(text) // LOOKED_AT
    return "\n".join(text[start : start + PLACE] for start in range(0, LOOKED_AT * step, step))


def _is_misread_latin(text: str) -> bool:
    """Whether UTF-8 was read as Windows-1252: “é” for “é”, “â€™” for “’”.

    The text is put back into bytes; what then reads as UTF-8 was written as such.
    """
    beyond = sum(char > "\x7f" for char in text)
    found = sum(map(len, _UTF8.findall(text.encode("cp1252", "replace"))))
    return found >= FEWEST_MISREAD and found > MOST_MISREAD * beyond


def _is_misread_chinese(text: str) -> bool:
    """Whether UTF-8 was read as GB 18030: “浣犲ソ” for “你好”, “锟斤拷” for what was lost before."""
    data = "".join(_HAN.findall(text)).encode("gb18030", "ignore")
    return len(data) >= 2 * FEWEST_MISREAD and sum(map(len, _UTF8.findall(data))) > 0.8 * len(data)


def _is_gibberish(text: str, languages: Mapping[Language, float]) -> bool:
    """Letters that cannot be a language, as where a font's own numbers were read as letters.

    Told by what every text of a script has: vowels between Latin letters, the commonest Chinese characters.
    """
    han = Counter(_HAN.findall(text))
    if han.total() > FEWEST_LETTERS and "zh" in languages:
        return sum(han[char] for char in COMMON) < FEWEST_COMMON * han.total()
    if "latin" not in languages:
        return False
    words = "".join(_WORD.findall(text))
    if len(words) < FEWEST_LETTERS:
        return False
    return len(_VOWEL.findall(words)) < FEWEST_VOWELS * len(words)
