"""Every text a user can see is in the Chinese catalogue, and the pages find it there."""

import ast
import gettext
import io
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from rag.cli.common import harmless, one_line
from rag.ui import text
from rag.ui.locales import extract

RAG = Path(__file__).parents[2] / "rag"
LOCALES = RAG / "ui" / "locales"
# The only texts whose translation needs no Chinese.
WITHOUT_CHINESE = {"{reason}", "{url}: {reason}", "{wheel}: {reason}"}


@pytest.fixture(scope="module")
def english() -> Catalog:
    """The texts in the code, found as `make messages` finds them."""
    with (LOCALES / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, _ = parse_mapping_cfg(mapping)
    found = Catalog()
    for _, _, message, _, _ in extract_from_dir(RAG, methods):
        found.add(message)
    return found


@pytest.fixture(scope="module")
def chinese() -> Catalog:
    with (LOCALES / "zh.po").open("rb") as source:
        return read_po(source, locale="zh", abort_invalid=True)


def _ids(catalogue: Catalog) -> set[str | tuple[str, ...]]:
    return {_key(message.id) for message in catalogue if message.id}


def _key(id: str | list[str] | tuple[str, ...]) -> str | tuple[str, ...]:
    return id if isinstance(id, str) else tuple(id)


def _forms(value: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _translations(catalogue: Catalog) -> Iterator[tuple[str, str]]:
    """Pairs of an English text (the plural, where there is one) and its Chinese."""
    for message in catalogue:
        if message.id:
            yield from ((_forms(message.id)[-1], form) for form in _forms(message.string))


def _places(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_every_text_has_a_chinese_translation(english: Catalog, chinese: Catalog) -> None:
    translated = {
        _key(message.id)
        for message in chinese
        if message.id and all(_forms(message.string)) and not message.fuzzy
    }
    assert _ids(english) - translated == set(), "Run `make messages` and translate what is empty in zh.po."


def test_no_translation_is_obsolete(english: Catalog, chinese: Catalog) -> None:
    assert _ids(chinese) - _ids(english) == set(), "Run `make messages`: it takes these out."
    assert not chinese.obsolete


def test_translations_keep_the_places(chinese: Catalog) -> None:
    wrong = [pair for pair in _translations(chinese) if _places(pair[0]) != _places(pair[1])]
    assert wrong == []


def test_places_can_be_filled_with_text(english: Catalog) -> None:
    """A value that was saved is a text, which a format such as {seconds:g} does not take."""
    formatted = {
        form
        for message in english
        for form in _forms(message.id)
        if any(spec or conversion for _, _, spec, conversion in string.Formatter().parse(form))
    }
    assert formatted == set()


def test_translations_can_be_filled_with_text(chinese: Catalog) -> None:
    for _, translation in _translations(chinese):
        translation.format(**dict.fromkeys(_places(translation), "text"))


def test_translations_are_chinese(chinese: Catalog) -> None:
    latin = {pair[0] for pair in _translations(chinese) if not re.search("[一-鿿]", pair[1])}
    assert latin - WITHOUT_CHINESE == set()


def test_chinese_has_its_own_punctuation_and_spaces_around_latin_words(chinese: Catalog) -> None:
    cramped = re.compile(r"[一-鿿][A-Za-z0-9{`]|[A-Za-z0-9}`][一-鿿]")
    half_width = re.compile(r"[一-鿿][,;:?!()\"]|[,;:?!()\"][一-鿿]|[一-鿿]\.")
    wrong = [
        translation
        for _, translation in _translations(chinese)
        if cramped.search(translation) or half_width.search(translation)
    ]
    assert wrong == []


def test_the_pages_read_the_catalogue(chinese: Catalog) -> None:
    catalogue = text._catalogue("zh")
    for message in chinese:
        if isinstance(message.id, str) and message.id:
            assert catalogue.gettext(message.id) == message.string
        elif message.id:
            one, many = message.id
            for number in (0, 1, 2, 5):
                assert catalogue.ngettext(one, many, number) == message.string[0]


def test_chinese_has_one_plural_form(chinese: Catalog) -> None:
    assert (chinese.num_plurals, chinese.plural_expr) == (1, "0")
    assert "Plural-Forms: nplurals=1; plural=0;" in (LOCALES / "zh.po").read_text(encoding="utf-8")


def test_english_needs_no_catalogue() -> None:
    assert type(text._catalogue("en")) is gettext.NullTranslations


def test_texts_are_found_wherever_they_stand() -> None:
    source = """
f"{badge} {t('cited')}"
tn("one page", "{n} pages", number)
raise failures.ProviderError("{server} is busy. "
    "Try again.", server=name)
t(variable)
print("not shown")
"""
    found = list(extract.templates(io.BytesIO(source.encode()), (), ()))
    assert {(function, texts) for _, function, texts, _ in found} == {
        ("gettext", ("cited",)),
        ("ngettext", ("one page", "{n} pages", None)),
        ("gettext", ("{server} is busy. Try again.",)),
        ("gettext", (None,)),
    }


def test_no_text_is_hidden_in_an_expression() -> None:
    """A text that is put together or passed in a variable is not found: spell it out where it is used."""
    hidden = {
        (path, ast.unparse(call.args[0]))
        for path, call in _calls()
        if call.args and not _is_spelt_out(call) and not _comes_from_another_notice(call.args[0])
    }
    assert hidden == set()


def test_every_kind_of_error_is_known() -> None:
    kinds = {
        node.name
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(getattr(base, "id", "") in extract.CALLS for base in node.bases)
    }
    assert kinds - set(extract.CALLS) == set()


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(RAG.rglob("*.py")):
        yield path.relative_to(RAG).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and extract.called(node) in extract.CALLS:
                yield path, node


def _is_spelt_out(call: ast.Call) -> bool:
    needed = 2 if extract.CALLS[extract.called(call)] == "ngettext" else 1
    return None not in map(extract.text_of, call.args[:needed])


def _comes_from_another_notice(argument: ast.expr) -> bool:
    """Whether it is the text of a notice or an error that was extracted where it was made."""
    return isinstance(argument, ast.Attribute) and argument.attr == "message"


def test_a_terminal_is_given_no_orders_and_keeps_the_letters() -> None:
    assert harmless("a\x1b[2J\u202eb\r\x07\u2066c\ud800") == "a�[2J�b���c�"
    assert harmless("中文　名\n\t👩‍👧 é\u00a0ß\u00ad") == "中文　名\n\t👩‍👧 é\u00a0ß\u00ad"
    assert one_line("中文　名\nx") == "中文　名�x"
