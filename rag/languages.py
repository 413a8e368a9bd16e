"""Which languages a text is in, told from its scripts and, between Latin ones, from small words. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["zh", "en", "latin", "ja", "ko", "other"]

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA = re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d]")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]+")
_LATIN = re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]+")
_OTHER = re.compile("[\u0370-\u10ff\u1200-\u1dff\ua4d0-\ua7ff\ua840-\uabff\ufb1d-\ufdff\ufe70-\ufefc]+")
_SMALL_WORDS = frozenset(
    [
        *("the", "of", "and", "to", "is", "that", "for", "with", "are", "be", "this", "by", "from", "or"),
        *("it", "as", "at", "not", "have", "was"),
    ]
)
FEWEST_SMALL_WORDS = 0.08  # of the Latin words: lists and tables in English still have them, others do not
HAN_PER_WORD = 1.6
KANA_PER_WORD = 2.5
FEWEST_KANA = 0.1  # of Han and kana together: then the Han characters are Japanese too
LEAST = 0.005


def language_shares(text: str) -> dict[Language, float]:
    """The share of each language in the words of `text`, the largest first, those under 0.5 % left out.

    Words of scripts without spaces are counted by their usual length. "latin" are languages in Latin letters
    that do not show English's small words, "other" those in other scripts. Empty where there is no letter.
    """
    han, kana = len(_HAN.findall(text)), len(_KANA.findall(text))
    latin = Counter(word.lower() for word in _LATIN.findall(text))
    small = sum(latin[word] for word in _SMALL_WORDS)
    is_japanese = kana > FEWEST_KANA * (han + kana)
    is_english = small > FEWEST_SMALL_WORDS * latin.total()
    return _largest_first(
        {
            "ja" if is_japanese else "zh": han / HAN_PER_WORD + (kana / KANA_PER_WORD if is_japanese else 0),
            "en" if is_english else "latin": latin.total(),
            "ko": len(_HANGUL.findall(text)),
            "other": len(_OTHER.findall(text)),
        }
    )


def mixed(shares: Iterable[tuple[Mapping[Language, float], float]]) -> dict[Language, float]:
    """The shares of several texts taken together, each with its weight."""
    sums: dict[Language, float] = {}
    for each, weight in shares:
        for language, share in each.items():
            sums[language] = sums.get(language, 0.0) + share * weight
    return _largest_first(sums)


def _largest_first(words: Mapping[Language, float]) -> dict[Language, float]:
    total = sum(words.values())
    if not total:
        return {}
    shares = {language: count / total for language, count in words.items() if count >= LEAST * total}
    return dict(sorted(shares.items(), key=lambda share: -share[1]))
