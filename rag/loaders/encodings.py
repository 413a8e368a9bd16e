"""Which encoding a text is in: what it declares, what it must be, or what reads best."""

import codecs
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
# In the order that wins between equals: Chinese first, then the wider tables before the narrower.
CANDIDATES = (
    "gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "cp1252", "cp1251", "koi8_u", "cp1250",
    "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874", "cp866", "mac_roman",
)  # fmt: skip
# The commonest letters of each script, by which a right decoding is told from a wrong one.
COMMON = frozenset(
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发"
    "成事只作当想看文无开手十用主行方又如前所本见经头面公同三己老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工话儿者向"
    "情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市条据院"
    "这來個國說們為時學對後麼沒於還發當無開見經頭長從動兩現將與進實點種聲話兒機給幾業間問電門東據條書車氣關並產萬會過樣裏請體"
    "のにはをたがでてとしれさいるなもかられこそまうっくけだりすよんおあつきえみやわめちどじせろばアイウエオカキクケコサシスセソタチツテトナニノハフヘホマミムメモラリルレロワンッー、。「」"
    "이다는을의에가고를로은하지한서도기사대그자리어나시라인아해으들수일정과있스만보여전부주게성상국와까었면니"
    "éèàùâêîôûçëïüöäßñáíóúãõåæøìòœ’“”‘–—«»…•°€£§©®×÷±½²³µ·´¿¡"
    "ąćęłńśźżčďěňřšťůžőűăâîșțşğıİ"
)  # fmt: skip
# Alphabets by use: a wrong code page turns one into another; only the frequency of letters tells them apart.
ALPHABETS = (
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфіїєґъё",
    "اليمنوترهبدعسفكقحأةجشصطخإذزىثغضئظءؤآ،؟",
    "יוהלאשתרבמםנחדקעפכןטגסצזךףץ",
    "αοιετσνηυρπκμλςίγάδόέήωύθχφώβξζψ",
    "านรอกเงมยลวดทตสปบคหแจพชขใไผโถซ่้ัีิื็์ุูะึ",
)
POINTS = {
    letter: 1.0 - 0.5 * rank / len(alphabet) for alphabet in ALPHABETS for rank, letter in enumerate(alphabet)
}
SUPERSETS = {
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "big5": "big5hkscs", "shift-jis": "cp932",
    "sjis": "cp932", "x-sjis": "cp932", "euc-kr": "cp949", "ks-c-5601-1987": "cp949", "iso-8859-1": "cp1252",
    "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252", "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874", "tis-620": "cp874", "unicode": "utf-16",
}  # fmt: skip
WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")


FEWEST_BYTES = 8
MOST_SPOILT = 2  # places in a short text; one in 500 bytes in a longer one
WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, the encoding it was read by, and whether that is certain rather than guessed."""

    text: str
    encoding: str
    sure: bool


def decode(data: bytes, *, declared: str | None = None) -> Decoded:
    """Decode a whole file. `declared` is what it says of itself; it is believed if the text bears it out."""
    for bom, encoding in BOMS:
        if data.startswith(bom):
            return Decoded(data[len(bom) :].decode(encoding, errors="replace"), encoding, True)
    if (wide := wide_encoding(data)) is not None:
        return Decoded(data.decode(wide, errors="replace"), wide, True)
    if (text := _strict(data, "utf-8")) is not None and not _is_iso_2022(data):
        return Decoded(text, "utf-8", True)
    if declared and (text := _strict(data, _name(declared))) is not None and _score(text) > 0.35:
        return Decoded(text, _name(declared), True)
    return _nearly_utf8(data) or _guess(data, declared)


def wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 by the text alone, without a byte order mark; None if it is neither."""
    sample = data[: 1 << 16]
    if len(sample) < 4:
        return None
    for encoding in WIDE:
        unit = 4 if "32" in encoding else 2
        text = _spoilt_in_few_places(sample[: len(sample) // unit * unit], encoding)
        is_whole = len(data) % unit == 0 or b"\0" in sample
        if is_whole and text and _reads_as_wide(text, sample):
            return encoding
    return None


def _reads_as_wide(text: str, sample: bytes) -> bool:
    """Ordinary letters nearly everywhere, and line ends or spaces or NUL bytes as the encoding makes them."""
    if "\0" in text:
        return False
    ordinary = sum(
        char in COMMON or char in POINTS or char in " \r\n\t" or "!" <= char <= "~" for char in text
    ) / len(text)
    if b"\0" in sample:
        kinds = Counter("Zs" if char.isspace() else unicodedata.category(char) for char in text)
        written = sum(count for kind, count in kinds.items() if kind[0] in "LNPZ")
        return ordinary > 0.5 or (written > 0.97 * len(text) and not kinds["Cn"])
    return ordinary > 0.35 and _strict(sample, "utf-8", cut=True) is None and _score(text) > 0.6


def _strict(data: bytes, encoding: str, *, cut: bool = False) -> str | None:
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
        return decoder.decode(data, final=not cut)
    except (UnicodeError, LookupError):
        return None


def _spoilt_in_few_places(data: bytes, encoding: str) -> str | None:
    """The text, cut before a character that is not whole; None where many places are none."""
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(data)
    return text if text.count("\ufffd") <= len(text) // 500 else None


def _is_iso_2022(data: bytes) -> bool:
    return b"\x1b$" in data[:4096] and b"\x1b(" in data[:4096]


def _nearly_utf8(data: bytes) -> Decoded | None:
    """UTF-8 with a few spoilt bytes, or cut in the middle of a character."""
    text = data.decode("utf-8", errors="replace")
    spoilt = text.count("\ufffd")
    good = sum(char > "\x7f" for char in text) - spoilt
    return Decoded(text, "utf-8", False) if good > 20 * spoilt else None


def _guess(data: bytes, declared: str | None) -> Decoded:
    if _is_iso_2022(data) and (text := _strict(data, "iso2022_jp_2")) is not None:
        return Decoded(text, "iso2022_jp", True)
    names = dict.fromkeys([*([_name(declared)] if declared else []), *CANDIDATES])
    readings = {name: text for name in names if (text := _lenient(data, name)) is not None}
    if not readings:
        return Decoded(data.decode("cp1252", errors="replace"), "cp1252", False)
    ranked = sorted(readings, key=lambda name: -_score(readings[name]))
    best = ranked[0]
    first = _score(readings[best])
    rivals = [name for name in ranked[1:] if readings[name] != readings[best]]
    second = _score(readings[rivals[0]]) if rivals else -1.0
    told = sum(byte > 0x7F for byte in data[: 1 << 16]) >= FEWEST_BYTES
    sure = told and first > 0.45 and (first - second > 0.15 or _detector_agrees(data, readings[best]))
    return Decoded(readings[best], best, sure)


def _lenient(data: bytes, encoding: str) -> str | None:
    """The text, with a few spoilt places at most."""
    try:
        text = data.decode(encoding, errors="replace")
    except LookupError:
        return None
    spoilt = text.count("\ufffd")
    return text if spoilt <= max(MOST_SPOILT, len(data) // 500) else None


def _detector_agrees(data: bytes, text: str) -> bool:
    from charset_normalizer import from_bytes

    best = from_bytes(data[: 1 << 16]).best()
    return best is not None and str(best)[:500] == text[:500]


def _score(text: str) -> float:
    """How much the characters beyond ASCII look like a language: 1 is sure, 0 or less is noise."""
    counts = Counter(char for char in text[:200_000] if char > "\x7f")
    total = counts.total()
    if not total:
        return 1.0
    points = sum(_points(char) * count for char, count in counts.items()) / total
    return points - 0.5 * _breaks(text)


def _points(char: str) -> float:
    for letter, share in ((char, 1.0), (char.lower(), 0.6)):
        if letter in COMMON or letter in POINTS:
            return share * POINTS.get(letter, 1.0 if letter >= "\u0400" else 0.85)
    if char == "\ufffd" or unicodedata.category(char) in ("Cc", "Co", "Cn", "Cs"):
        return -2.0
    if "\u4e00" <= char <= "\u9fff":
        return 0.45 if _is_everyday_hanzi(char) else -0.1
    if "\uac00" <= char <= "\ud7a3":
        return 0.6 if _strict_encodes(char, "euc_kr") else -0.3
    if "\uff01" <= char <= "\uff5e" or "\u3000" <= char <= "\u30ff":
        return 0.7
    return 0.2 if char.isalpha() and char < "\u3000" else -0.3


def _is_everyday_hanzi(char: str) -> bool:
    """In the first level of GB 2312 or of Big5, which are ordered by use."""
    gb, big5 = _encoded(char, "gb2312"), _encoded(char, "big5")
    return b"\xb0" <= gb[:1] <= b"\xd7" or b"\xa4" <= big5[:1] <= b"\xc6"


def _strict_encodes(char: str, encoding: str) -> bool:
    return bool(_encoded(char, encoding))


def _encoded(char: str, encoding: str) -> bytes:
    return char.encode(encoding, errors="ignore")


def _breaks(text: str) -> float:
    """The share of words beyond ASCII that no one writes: aWord, two alphabets in one, only accents."""
    words = [word for word in WORD.findall(text[:20_000]) if not word.isascii()]
    return sum(map(_is_broken, words)) / len(words) if words else 0.0


def _is_broken(word: str) -> bool:
    foreign = sum(char > "\x7f" for char in word) > 0.67 * len(word)
    if len(word) > 2 and foreign and {_script(char) for char in word} == {"LATIN"}:
        return True
    cased = word.islower() or word.isupper() or word[1:].islower() or word.lower() == word.upper()
    return not cased or len({_script(char) for char in word} - {""}) > 1


def _script(char: str) -> str:
    name = unicodedata.name(char, "")
    first = name.split(" ", 1)[0]
    return first if first in ("LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI") else ""


def _name(encoding: str) -> str:
    """The Python name of a declared charset; GB2312 and its like are read by their supersets."""
    plain = encoding.strip().strip("\"'").lower().replace("_", "-")
    return SUPERSETS.get(plain, plain)
