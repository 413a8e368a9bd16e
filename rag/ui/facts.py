"""Numbers, sizes, types and languages as people read them."""

from collections.abc import Mapping

from babel.numbers import format_decimal

from rag.languages import Language
from rag.ui.text import language, t

TYPE_NAMES = {
    "pdf": "PDF", "docx": "Word", "html": "HTML", "md": "Markdown", "pptx": "PowerPoint", "xlsx": "Excel",
    "xls": "Excel (XLS)", "odt": "ODT", "ods": "ODS", "odp": "ODP", "rtf": "RTF", "csv": "CSV",
    "json": "JSON", "epub": "EPUB",
}  # fmt: skip
UNITS = ((1e9, "GB"), (1e6, "MB"))


def type_name(kind: str) -> str:
    """What people call a type of file."""
    words = {"txt": t("Text"), "picture": t("Picture"), "eml": t("E-mail"), "note": t("Written by hand")}
    return words.get(kind) or TYPE_NAMES.get(kind, kind)


def number(count: float) -> str:
    """A number in the reader's language."""
    return str(format_decimal(count, locale=language()))


def file_size(count: int) -> str:
    """Bytes in the unit that suits them."""
    units = ((count / least, unit) for least, unit in UNITS if count >= least)
    size, unit = next(units, (max(0.1, count / 1e3), "kB"))
    return f"{format_decimal(size, '#,##0.#', locale=language())} {unit}"


def language_mix(shares: Mapping[Language, float]) -> list[str]:
    """The languages of a text with their shares, as one fact; none where there is no letter."""
    names = {
        "zh": t("Chinese"),
        "en": t("English"),
        "latin": t("other languages in Latin letters"),
        "ja": t("Japanese"),
        "ko": t("Korean"),
        "other": t("other scripts"),
    }
    if len(shares) == 1:
        return [names[each] for each in shares]
    mix = ", ".join(f"{names[each]} {share:.0%}" for each, share in shares.items())
    return [mix] if mix else []
