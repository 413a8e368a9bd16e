"""Notices: kept as rows and told in the reader's language, with the notices inside them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from rag.catalog import Catalog
from rag.conversing import Turn
from rag.documents import Document, Notice
from rag.errors import DocumentError, ProviderError
from rag.loaders import parse
from rag.ui.text import tell
from tests.fakes import WordEmbedder

KEY = Notice("the key contains characters that are not allowed")
REFUSED = ProviderError(
    "{server} refused the key ({reason}). Check {setting}.", server="OpenAI", reason=KEY, setting="KEY"
)
NESTED = Notice("Searched by keywords only. {reason}", {"reason": Notice.of(REFUSED)})


@pytest.fixture
def chinese() -> Iterator[None]:
    st.session_state["language"] = "zh"
    yield
    del st.session_state["language"]


def test_a_row_is_json_and_keeps_the_notices_inside() -> None:
    assert Notice.from_row(json.loads(json.dumps(NESTED.to_row()))) == NESTED


def test_what_json_cannot_hold_becomes_text() -> None:
    error = DocumentError("{path}, {seconds}, {n}", path=Path("a"), seconds=0.5, n=3)
    assert Notice.of(error).values == {"path": "a", "seconds": "0.5", "n": 3}


def test_english_is_told_as_it_stands() -> None:
    assert str(NESTED) == (
        "Searched by keywords only. "
        "OpenAI refused the key (the key contains characters that are not allowed). Check KEY."
    )


def test_a_notice_inside_a_notice_is_translated(chinese: None) -> None:
    assert tell(NESTED) == ("本次仅按关键词搜索。OpenAI 拒绝了密钥（密钥中含有不允许的字符）。请检查 KEY。")
    assert tell(REFUSED) == "OpenAI 拒绝了密钥（密钥中含有不允许的字符）。请检查 KEY。"


def test_a_type_of_file_is_translated(chinese: None, tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(b"\x1f\x8b" + bytes(40))
    with pytest.raises(DocumentError) as refused:
        parse(path, "a.gz", max_pages=10)
    assert "：gzip 压缩包。" in tell(refused.value)


def test_a_turn_keeps_them() -> None:
    turn = Turn("Why?", state="failed", notices=(NESTED,), error=Notice.of(REFUSED), id=7)
    assert Turn.from_json("Why?", turn.to_json(), 7) == turn


def test_the_catalogue_keeps_them(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    collection = catalog.collections.create("c", WordEmbedder("a").fingerprint)
    document = Document(
        "d", collection.id, "a.txt", "0", "", 1, "failed", "2026-01-01", warnings=(NESTED,), error=NESTED
    )
    catalog.documents.add(document, ())
    assert catalog.documents.get("d") == document
    job = catalog.jobs.add(collection.id, "a.txt", "0", {})
    catalog.jobs.finish(job, "failed", error=NESTED)
    assert catalog.jobs.get(job).error == NESTED
    catalog.close()
