"""Why a passage is missing: paste its text or choose it, and see how far it came."""

import streamlit as st

from rag.catalog import StoredChunk
from rag.documents import Document
from rag.errors import RagError
from rag.retrieval import POOL, Query
from rag.retrieval.reasons import Way
from rag.retrieval.reranking import RERANKED
from rag.retrieval.wanted import Wanted
from rag.ui import markdown, passages
from rag.ui.search_cards import mode_name, scores
from rag.ui.session import collection, engine
from rag.ui.text import t, tell

BEGINNING = 60  # characters of a passage by which people know it


def why_not(query: Query) -> None:
    """The control to say what is missing, and what became of it."""
    with st.expander(t("Why not this passage?"), icon=":material/help:", key="why-not"):
        wanted = _wanted()
        if wanted is None:
            return
        try:
            told = engine().why_not(collection(), query, wanted)
        except RagError as error:
            st.error(markdown.plain(tell(error)), icon=":material/error:")
            return
        is_found = bool(told.ways) and told.is_there and (told.ways[0].rank or POOL + 1) <= query.k
        say, icon = (st.success, "check_circle") if is_found else (st.warning, "lightbulb")
        say(markdown.plain(tell(told.reason)), icon=f":material/{icon}:")
        for notice in told.notices:
            st.info(markdown.plain(tell(notice)), icon=":material/info:")
        for way in told.ways:
            with st.container(border=True):
                _way(way, query)


def _wanted() -> Wanted | None:
    ways = {"text": t("Paste its text"), "document": t("Choose its document")}
    chosen = st.segmented_control(
        t("What should have been found"),
        list(ways),
        format_func=ways.__getitem__,
        default="text",
        required=True,
        key="why-not-way",
        label_visibility="collapsed",
    )
    if chosen == "document":
        return _chosen_document()
    text = st.text_area(
        t("Text that should have been found"), key="why-not-text", height=100, persist_state="session"
    )
    st.button(t("Explain"), icon=":material/help:")
    return Wanted(text) if text.strip() else None


def _chosen_document() -> Wanted | None:
    documents = {each.id: each for each in engine().catalog.documents.all(collection().id)}
    document_id = st.selectbox(
        t("Document that should have been found"),
        list(documents),
        index=None,
        format_func=lambda key: documents[key].name,
        placeholder=t("Choose a document"),
        key="why-not-document",
    )
    if document_id is None:
        return None
    chunk_id = _chosen_chunk(documents[document_id])
    return Wanted(chunk_id=chunk_id) if chunk_id else Wanted(document_id=document_id)


def _chosen_chunk(document: Document) -> str | None:
    chunks = {each.id: each for each in engine().catalog.documents.chunks(document.id)}
    if len(chunks) < 2:
        return None
    return st.selectbox(
        t("Passage"),
        list(chunks),
        index=None,
        format_func=lambda key: _beginning(chunks[key]),
        placeholder=t("The one that fits the question best"),
        key=f"why-not-chunk-{document.id}",
    )


def _beginning(stored: StoredChunk) -> str:
    chunk = stored.chunk
    text = " ".join(chunk.text.split())
    text = text if len(text) <= BEGINNING else f"{text[:BEGINNING]}…"
    return f"{t('page {page}', page=chunk.page_label or chunk.page)} · {text}" if chunk.page else text


def _way(way: Way, query: Query) -> None:
    passage = way.passage
    st.markdown(f"**{markdown.plain(passage.name)}**")
    if where := passages.place(passage):
        st.caption(markdown.plain(where))
    st.caption(scores(passage))
    head = [f"| {t('Stage')} | {t('Outcome')} |", "|:--|:--|"]
    st.markdown("\n".join([*head, *(f"| {name} | {what} |" for name, what in _rows(way, query))]))
    with st.container(key=f"clip-why-{passage.chunk_id}"):
        passages.content(passage, query.question)


def _rows(way: Way, query: Query) -> list[tuple[str, str]]:
    """Each stage and what it did, in the order of the search."""
    dense = t("number {rank} of {chunks}", rank=way.dense_rank, chunks=way.chunks)
    words = t("number {rank}", rank=way.keyword_rank)
    left_out = t("left out by {conditions}", conditions=markdown.plain(", ".join(way.left_out_by)))
    least = query.min_similarity
    is_near = least is None or (way.passage.cosine or 0.0) >= least
    return [
        (mode_name("dense"), dense if way.dense_rank else t("no vector")),
        (mode_name("keyword"), words if way.keyword_rank else t("no word in common")),
        (t("Filters"), left_out.replace("|", "\\|") if way.left_out_by else t("passed")),
        (t("Candidates (the first {pool} of each way)", pool=POOL), _yes_no(is_true=way.in_pool)),
        (t("Minimum similarity"), t("passed") if is_near else t("below {least}", least=f"{least:.2f}")),
        *_reranker_row(way),
        (t("Result: {mode}", mode=mode_name(way.mode)), _result(way, query)),
    ]


def _reranker_row(way: Way) -> list[tuple[str, str]]:
    """What the reranker did, where one worked."""
    if way.rank_without_reranker is None:
        return []
    if way.passage.rerank_score is None:
        return [(t("Reranker"), t("not read: it reads the texts among the first {n}", n=RERANKED))]
    before, after = way.rank_without_reranker, way.rank or "–"
    return [(t("Reranker"), t("from number {before} to number {after}", before=before, after=after))]


def _result(way: Way, query: Query) -> str:
    if way.rank is None:
        return t("not among the first {pool}", pool=POOL)
    if way.rank > query.k:
        return t("number {rank}, and {k} are asked for", rank=way.rank, k=query.k)
    return t("number {rank}", rank=way.rank)


def _yes_no(*, is_true: bool) -> str:
    return t("Yes") if is_true else t("No")
