"""The questions of a collection's set: seen, typed, imported, made, removed."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rag.catalog import Origin, StoredQuestion
from rag.documents import Notice, readable
from rag.errors import RagError, UsageError
from rag.evaluation import NewQuestion, keep, read_judged_own, read_questions
from rag.ui.markdown import plain
from rag.ui.session import collection, engine, evaluations
from rag.ui.text import t, tell, tn

MOST_MADE = 500


def questions(*, is_busy: bool) -> None:
    """The set and the three ways to add to it."""
    present = engine().catalog.questions.all(collection().id)
    if present:
        _table(present)
    else:
        st.info(
            t("There are no questions yet. Type some, import a file, or have them made from your documents."),
            icon=":material/info:",
        )
    if added := st.session_state.pop("questions-added", None):
        st.toast(added, icon=":material/check:")
    with st.expander(t("Type questions"), icon=":material/edit:", expanded=not present):
        _type()
    with st.expander(t("Import questions"), icon=":material/upload_file:", key="import-box"):
        _import()
    with st.expander(t("Make questions from the documents"), icon=":material/auto_awesome:", key="make-box"):
        _make(is_busy=is_busy)


def _table(present: Sequence[StoredQuestion]) -> None:
    judged = sum(each.is_judged for each in present)
    st.markdown(
        tn("One question", "{n} questions", len(present))
        + " · "
        + tn("of one the answer is known", "of {n} the answer is known", judged)
    )
    chosen = st.dataframe(
        {
            t("Question"): [each.text for each in present],
            t("Where from"): [_origin(each.origin) for each in present],
            t("Relevant"): [sum(judged.grade > 0 for judged in each.judgements) for each in present],
            t("Not relevant"): [sum(judged.grade <= 0 for judged in each.judgements) for each in present],
        },
        column_config={t("Question"): st.column_config.TextColumn(width="large")},
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key=f"questions-{len(present)}",
    )
    rows = chosen.selection.rows
    if rows and st.button(
        tn("Remove one question", "Remove {n} questions", len(rows)), icon=":material/delete:"
    ):
        engine().catalog.questions.remove([present[row].id for row in rows])
        st.rerun()


def _origin(origin: Origin) -> str:
    names = {"typed": t("typed"), "imported": t("imported"), "generated": t("made")}
    return names[origin]


def _type() -> None:
    with st.form("type-questions", border=False, clear_on_submit=True):
        text = st.text_area(t("One question a line, as you would ask it"), key="typed-questions")
        added = st.form_submit_button(t("Add questions"), type="primary")
    if added:
        typed = [NewQuestion(readable(line.strip()), ()) for line in text.splitlines() if line.strip()]
        _added(keep(engine().catalog, collection(), typed, "typed"))


def _import() -> None:
    st.markdown(
        t(
            "A CSV file with the columns question, document and text, or lines of JSON with these keys. "
            "document is a document's name, text a sentence that answers; one of the two is enough. Or "
            "queries.jsonl and qrels.tsv together, with names of documents as their ids."
        )
    )
    imported = st.session_state.setdefault("question-files-imported", 0)
    files = st.file_uploader(
        t("Files with questions"),
        type=["csv", "jsonl", "tsv"],
        accept_multiple_files=True,
        key=f"question-files-{imported}",
    )
    if files and st.button(
        t("Import"), type="primary", icon=":material/upload_file:", key="import-questions"
    ):
        try:
            read = _read(files)
        except RagError as error:
            st.error(plain(tell(error)), icon=":material/error:")
            return
        st.session_state["question-files-imported"] += 1  # another key: the uploader is empty again
        _added(keep(engine().catalog, collection(), read, "imported"))


def _read(files: Sequence[UploadedFile]) -> list[NewQuestion]:
    """What is in the files, copied to where they can be read. Raises UsageError, naming them as they are."""
    by_ending = {Path(file.name).suffix.lower(): file for file in files}
    if not (len(files) == 1 and ".tsv" not in by_ending) and set(by_ending) != {".jsonl", ".tsv"}:
        raise UsageError("Choose one CSV or JSONL file, or queries.jsonl and qrels.tsv together.")
    parent = engine().catalog.reading_dir
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        paths = {ending: Path(folder) / f"questions{ending}" for ending in by_ending}
        for ending, path in paths.items():
            path.write_bytes(by_ending[ending].getvalue())
        try:
            if len(paths) == 2:
                return read_judged_own(paths[".jsonl"], paths[".tsv"], engine().catalog, collection())
            [path] = paths.values()
            return read_questions(path, engine().catalog, collection())
        except UsageError as error:
            names = {path: by_ending[ending].name for ending, path in paths.items()}
            for key, value in error.values.items():
                if isinstance(value, Path):
                    error.values[key] = names[value]
            raise


def _make(*, is_busy: bool) -> None:
    try:
        model = engine().models.chat_model()
    except RagError as error:
        st.warning(plain(tell(error)), icon=":material/warning:")
        model = None
    if model:
        st.markdown(t("{model} reads passages and asks about each.", model=f"`{model.id}`"))
        if not model.is_local:
            told = Notice("Passages are sent to {host}.", {"host": model.host})
            st.caption(f":material/public: {plain(tell(told))}")
    else:
        st.markdown(t("There is no language model, so questions are headings with rare words of a passage."))
    st.caption(
        t(
            "Made questions are easier than people's, as they are made of the very text to be found: take "
            "them to compare ways of searching, not as how well people will find."
        )
    )
    number = st.number_input(t("How many"), 1, MOST_MADE, 50, key="questions-to-make")
    if st.button(t("Make questions"), type="primary", icon=":material/auto_awesome:", disabled=is_busy):
        evaluations().generate(collection(), int(number), with_model=model is not None)
        st.rerun()


def _added(number: int) -> None:
    st.session_state["questions-added"] = tn("One question was added.", "{n} questions were added.", number)
    st.rerun()
