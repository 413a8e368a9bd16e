"""Sketches of texts by which those that are nearly the same are found among many. Pure.

Texts are compared by their shingles (A. Broder, “On the resemblance and containment of documents”, 1997),
hashed onto a circle with NUMBERS points. The first shingle after each point makes the sketch: one-permutation
hashing (P. Li, A. Owen, C.-H. Zhang, 2012), empty bins filled by rotation (A. Shrivastava, P. Li, 2014). Two
texts agree in each number with the probability of their resemblance, the shared part of their shingles.
Banded, so that not every pair is compared (P. Indyk, R. Motwani, 1998).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SHINGLE = 12  # letters and digits: two or three English words, half a Chinese sentence
NUMBERS = 128
BANDS = 32  # of four numbers each: of pairs that resemble by 0.8, all but one in ten million are compared
NEARLY_THE_SAME = 0.8

Sketch = NDArray[np.uint32]

_BIN_SHIFT = np.uint32(32 - (NUMBERS - 1).bit_length())  # from a place on the circle to its bin
_NONE = np.uint32(0xFFFFFFFF)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_APART = re.compile(r"[\W_]+")


def sketch(text: str) -> Sketch:
    """The sketch of a text, shape (NUMBERS,); (0,) where it has fewer than SHINGLE letters and digits.

    Case, white space and punctuation do not matter.
    """
    letters = _APART.sub("", unicodedata.normalize("NFKC", text).casefold())
    codes = np.frombuffer(letters.encode("utf-32-le", "replace"), "<u4").astype(np.uint64)
    count = len(codes) - SHINGLE + 1
    if count < 1:
        return np.empty(0, np.uint32)
    hashes = np.zeros(count, np.uint64)
    for place in range(SHINGLE):
        hashes = (hashes ^ codes[place : place + count]) * _FACTOR
        hashes ^= hashes >> np.uint64(29)
    on_circle = (hashes >> np.uint64(32)).astype(np.uint32)
    bins = on_circle >> _BIN_SHIFT
    firsts = np.full(NUMBERS, _NONE, np.uint32)
    np.minimum.at(firsts, bins, on_circle)
    filled = np.flatnonzero(np.bincount(bins))
    after = filled[np.searchsorted(filled, np.arange(NUMBERS)) % len(filled)]
    return firsts[after]


def resemblance(one: Sketch, other: Sketch) -> float:
    """The estimated shared part of two texts' shingles, 0 to 1."""
    return float(np.mean(one == other))


def near_duplicates(sketches: Mapping[str, Sketch]) -> dict[str, str]:
    """Of texts by their keys, those that are nearly the same as an earlier one, with that one's key.

    Each is compared with the first text in each band's bucket, so that the time grows with the number of
    texts and not of pairs, however many are alike.
    """
    firsts: dict[tuple[int, bytes], str] = {}
    found: dict[str, str] = {}
    for key, each in sketches.items():
        if not len(each):
            continue
        bands = _bands(each)
        others = dict.fromkeys(firsts[band] for band in bands if band in firsts)
        best = max(others, key=lambda other: resemblance(each, sketches[other]), default=None)
        if best is not None and resemblance(each, sketches[best]) >= NEARLY_THE_SAME:
            found[key] = found.get(best, best)
        for band in bands:
            firsts.setdefault(band, key)
    return found


def _bands(numbers: Sketch) -> Sequence[tuple[int, bytes]]:
    rows = numbers.reshape(BANDS, -1)
    return [(place, row.tobytes()) for place, row in enumerate(rows)]
