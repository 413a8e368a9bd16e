"""A number of a sheet as a person sees it, by the code of its format."""

import re
from datetime import datetime, timedelta
from functools import lru_cache

BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 14: "yyyy-mm-dd", 15: "d-mmm-yy",
    16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm", 37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00", 41: "#,##0",
    42: "#,##0", 43: "#,##0.00", 44: "#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss",
    **dict.fromkeys((*range(27, 32), 36, *range(50, 55), 57, 58), "yyyy-mm-dd"),
    **dict.fromkeys((32, 33, 34, 35, 55, 56), "h:mm:ss"),
}  # fmt: skip
UNSHOWN = re.compile(r'"[^"]*"|\\.|_.|\*.')
CURRENCY = re.compile(r"\[\$([^\]-]*)[^\]]*\]")
BRACKETS = re.compile(r"\[(?!h+\]|m+\]|s+\])[^\]]*\]", re.I)
DIGITS = re.compile(r"[#0?][#0?,]*(?:\.([#0?]*))?")
ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.I)
MOST_SERIAL = 2_958_466  # the first day after 9999


def shown(value: float, code: str, *, since_1904: bool = False) -> str:
    """`value` as `code` shows it; days and times in ISO form."""
    plain = _plain(_section(value, code))
    if _is_time(plain):
        return _time(value, plain, since_1904=since_1904)
    if "%" in plain:
        return f"{_digits(value * 100, plain)}%"
    before, after = _signs(_section(value, code))
    number = _digits(value, plain)
    sign, number = ("-", number[1:]) if number.startswith("-") else ("", number)
    return f"{sign}{before}{number}{after}"


def general(value: float) -> str:
    """`value` without a format: 5.0 is 5, and what only rounding left behind is not shown."""
    if value != value or value in (float("inf"), float("-inf")):
        return ""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.15g}"


@lru_cache(maxsize=1024)
def _sections(code: str) -> tuple[str, ...]:
    kept = UNSHOWN.sub(lambda part: part.group().replace(";", ""), code)
    return tuple(kept.split(";"))


def _section(value: float, code: str) -> str:
    """The part of a format for numbers of this sign: “positive;negative;zero;text”."""
    sections = _sections(code)
    if "[<" in code or "[>" in code or "[=" in code:
        return sections[0]
    if value < 0 and len(sections) > 1 and DIGITS.search(_plain(sections[1])):
        return sections[1]
    return sections[0]


@lru_cache(maxsize=1024)
def _plain(section: str) -> str:
    """A section without its literal text, colours, languages and conditions."""
    return BRACKETS.sub("", UNSHOWN.sub("", section)).lower()


def _is_time(plain: str) -> bool:
    if plain.strip() in ("general", "standard", "@", ""):
        return False
    words = re.sub(r"general|g/\S*|e[+-]", "", plain)
    return re.search(r"[ymdhse]", words) is not None and re.search(r"[#?]|(?<![.0])0", words) is None


@lru_cache(maxsize=1024)
def _signs(section: str) -> tuple[str, str]:
    """The currency or unit that stands before or after the digits."""
    text = CURRENCY.sub(lambda sign: f'"{sign[1]}"', section)
    text = BRACKETS.sub("", text)
    text = re.sub(r"_.|\*.", "", text)
    found = re.search(r"[#0?]", re.sub(r'"[^"]*"|\\.', lambda part: " " * len(part.group()), text))
    if found is None:
        return "", ""
    last = max(text.rfind(sign) for sign in "#0?")
    before, after = (
        re.sub(r'["\\()+-]', "", part).strip(" ")
        for part in (text[: found.start()], text[last + 1 :].lstrip(","))
    )
    return (before if len(before) <= 12 else ""), (f" {after}" if 0 < len(after) <= 12 else "")


def _digits(value: float, plain: str) -> str:
    found = DIGITS.search(plain)
    if found is None or re.search(r"e[+-]|/", plain):
        return general(value)
    decimals = len(found[1] or "")
    scale = len(found.group().split(".")[0]) - len(found.group().split(".")[0].rstrip(","))
    whole = found.group().split(".")[0].rstrip(",")
    text = f"{value / 1000**scale:{',' if ',' in whole else ''}.{min(decimals, 15)}f}"
    if found[1] and "0" not in found[1] and "." in text:
        text = text.rstrip("0").rstrip(".")
    least = whole.replace(",", "").count("0")
    if "," not in whole and least > 1:
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        head, point, tail = digits.partition(".")
        text = f"{sign}{head.zfill(min(least, 30))}{point}{tail}"
    return text.removeprefix("-") if re.fullmatch(r"-[0.,]*", text) else text


def _time(value: float, plain: str, *, since_1904: bool) -> str:
    if ELAPSED.search(plain):
        return _elapsed(value, has_seconds="s" in plain)
    if not 0 <= value < MOST_SERIAL:
        return general(value)
    has_day = re.search(r"[yde]|mmm|^[^hs]*m[^hs]*$", plain) is not None
    has_clock = re.search(r"[hs]", plain) is not None
    if not has_day or (value < 1 and has_clock):
        return moment(datetime(2000, 1, 1) + _span(value % 1)).partition(" ")[2] or "00:00"
    try:
        at = _origin(value, since_1904=since_1904) + _span(value)
    except OverflowError:
        return general(value)
    return moment(at) if has_clock else at.date().isoformat()


def _origin(value: float, *, since_1904: bool) -> datetime:
    """Day 0; Excel counts a 29 February 1900 that never was."""
    if since_1904:
        return datetime(1904, 1, 1)
    return datetime(1899, 12, 30) if value >= 60 else datetime(1899, 12, 31)


def _span(days: float) -> timedelta:
    return timedelta(seconds=round(days * 86_400))


def moment(at: datetime) -> str:
    """An instant as ISO shows it, without the parts that are zero."""
    if at.time() == datetime.min.time():
        return at.date().isoformat()
    return f"{at:%Y-%m-%d} {at:%H:%M:%S}" if at.second else f"{at:%Y-%m-%d} {at:%H:%M}"


def _elapsed(value: float, *, has_seconds: bool) -> str:
    seconds = round(abs(value) * 86_400)
    sign = "-" if value < 0 else ""
    clock = f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}"
    return f"{clock}:{seconds % 60:02}" if has_seconds or seconds % 60 else clock
