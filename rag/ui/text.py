"""The pages' text in the reader's language, by gettext catalogues."""

import gettext
import io
from functools import cache
from pathlib import Path

import streamlit as st
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from rag.documents import Notice
from rag.errors import RagError
from rag.settings import load_settings

LOCALES = Path(__file__).parent / "locales"
LANGUAGES = {"en": "English", "zh": "中文"}


def t(message: str, **values: object) -> str:
    """`message` in the reader's language, its {places} filled in."""
    return _catalogue(language()).gettext(message).format(**values)


def tn(one: str, many: str, number: int) -> str:
    """`one` or `many` by `number`, which fills in {n}, in the reader's language."""
    return _catalogue(language()).ngettext(one, many, number).format(n=number)


def tell(what: Notice | RagError) -> str:
    """A notice or an error in the reader's language."""
    values = {key: tell(each) if isinstance(each, Notice) else each for key, each in what.values.items()}
    return t(what.message, **values)


def language() -> str:
    """The language chosen on the page, else the one in the address, the settings, or the browser."""
    chosen = st.session_state.get("language") or st.query_params.get("lang")
    if chosen in LANGUAGES:
        return str(chosen)
    configured = _configured()
    if configured != "auto":
        return configured
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


@cache
def _configured() -> str:
    return load_settings().language


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    path = LOCALES / f"{code}.po"
    if not path.exists():
        return gettext.NullTranslations()
    with path.open("rb") as source:
        catalogue = read_po(source, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
