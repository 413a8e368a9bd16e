"""Evaluation on one's own documents, with the real engine and the built-in model."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from rag.catalog import Collection, Judgement, StoredQuestion
from rag.engine import Engine
from rag.errors import Cancelled, UsageError
from rag.evaluation import (
    changes,
    compare,
    difference,
    generate,
    judged_questions,
    keep,
    not_kept,
    read_judged_own,
    read_questions,
    save,
    saved,
    systems,
)
from rag.evaluation.background import Evaluations, Work
from rag.evaluation.pooling import grade_of, judge, pooled
from rag.evaluation.systems import System
from rag.retrieval import Query
from rag.settings import PROJECT_DIR
from tests.fakes import ScriptedChatModel
from tests.models import opened_at

E5 = "builtin:multilingual-e5-small"
SAMPLES = PROJECT_DIR / "data" / "samples"
LEAVE = "工作满一年有几天年假？"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Path:
    """A data folder with two documents."""
    folder = tmp_path_factory.mktemp("filled")
    with (
        opened_at(folder, models_dir) as engine,
        (SAMPLES / "Garden Calendar.md").open("rb") as garden,
        (SAMPLES / "员工手册.md").open("rb") as handbook,
    ):
        collection = engine.collection()
        jobs = [
            engine.intake.add(collection, "Garden.md", garden),
            engine.intake.add(collection, "员工手册.md", handbook),
        ]
        assert [job.state for job in engine.intake.run(jobs)] == ["done", "done"]
    return folder


@pytest.fixture
def collection(engine: Engine) -> Collection:
    return engine.collection()


def _add(engine: Engine, collection: Collection, text: str, quote: str, name: str) -> str:
    document = engine.catalog.documents.named(collection.id, name)[0]
    judgement = Judgement(document.id, document.name, document.sha256, quote)
    return engine.catalog.questions.add(collection.id, text, origin="typed", judgements=[judgement])


def test_modes_and_chunk_sizes_are_compared_and_kept(engine: Engine, collection: Collection) -> None:
    chunks = engine.catalog.documents.chunks(engine.catalog.documents.named(collection.id, "Garden.md")[0].id)
    _add(engine, collection, "When do I put tomatoes outside?", chunks[-1].chunk.text, "Garden.md")
    _add(engine, collection, "西红柿什么时候种到室外？", chunks[-1].chunk.text, "Garden.md")
    asked = judged_questions(engine.catalog, collection, engine.catalog.questions.all(collection.id))
    steps: list[str] = []
    chosen = systems(["dense", "keyword"], [E5], [None, 48])
    assert [each.name(chosen[0]) for each in chosen] == [
        *("dense", "keyword", "dense · 48 tokens", "keyword · 48 tokens")
    ]
    done = compare(engine, collection, asked, chosen, on_step=lambda what, *_: steps.append(str(what)))
    dense, keyword, small, _ = done.systems
    assert dense.chunks == engine.catalog.chunks.count(collection.id) < small.chunks
    assert keyword.values("recall@10")[1] == 0.0  # no word is shared across languages
    assert small.values("recall@10")[0] == 1.0  # the text is found again, cut smaller
    lost = changes(dense, keyword)
    assert [change.after.question for change in lost if change.by("ndcg@10") < 0][-1].startswith("西红柿")
    told = difference(dense, keyword, "recall@10")
    assert told and told.questions == 2 and told.low <= told.mean <= told.high
    assert "Reading “Garden.md”" in steps and f"Asking the questions: By meaning, {E5}" in steps
    key = save(engine.catalog, collection, done)
    assert saved(engine.catalog, collection) == {key: done}
    engine.catalog.questions.remove_evaluation(key)
    assert saved(engine.catalog, collection) == {}


def test_another_model_is_indexed_for_the_run_alone(engine: Engine, collection: Collection) -> None:
    keep(engine.catalog, collection, generate(engine.catalog, collection, 2, chat_model=None), "generated")
    asked = judged_questions(engine.catalog, collection, engine.catalog.questions.all(collection.id))
    before = engine.catalog.collections.index_names()
    done = compare(
        engine, collection, asked, [System("dense", E5), System("dense", "builtin:all-minilm-l6-v2")]
    )
    assert [len(result.outcomes) for result in done.systems] == [2, 2]
    assert done.systems[0].chunks == done.systems[1].chunks
    assert engine.catalog.collections.index_names() == before
    assert [each.name for each in engine.catalog.collections.all()] == ["default"]


def test_a_run_can_be_stopped(engine: Engine, collection: Collection) -> None:
    keep(engine.catalog, collection, generate(engine.catalog, collection, 1, chat_model=None), "generated")
    asked = judged_questions(engine.catalog, collection, engine.catalog.questions.all(collection.id))
    with pytest.raises(Cancelled):
        compare(engine, collection, asked, [System("dense", E5, 64)], cancelled=lambda: True)


def test_judgements_outlive_their_document(engine: Engine, collection: Collection) -> None:
    document = engine.catalog.documents.named(collection.id, "员工手册.md")[0]
    quote = engine.catalog.documents.chunks(document.id)[0].chunk.text
    _add(engine, collection, LEAVE, quote, "员工手册.md")
    engine.delete_document(document.id)
    with pytest.raises(UsageError, match="has no question whose answer is known"):
        judged_questions(engine.catalog, collection, engine.catalog.questions.all(collection.id))
    with (SAMPLES / "员工手册.md").open("rb") as source:
        list(engine.intake.run([engine.intake.add(collection, "renamed.md", source)]))
    asked = judged_questions(engine.catalog, collection, engine.catalog.questions.all(collection.id))
    now = engine.catalog.documents.named(collection.id, "renamed.md")[0]
    assert now.id != document.id and asked.questions[0].judgements[0].document_id == now.id


def test_what_cannot_be_asked_is_counted(engine: Engine, collection: Collection) -> None:
    questions = engine.catalog.questions
    kept = _add(engine, collection, LEAVE, "年假", "员工手册.md")
    questions.add(collection.id, "Unjudged?", origin="typed")
    gone = _add(engine, collection, "Gone?", "a text that stood there before", "员工手册.md")
    asked = judged_questions(engine.catalog, collection, questions.all(collection.id))
    assert [each.id for each in asked.questions] == [kept] and asked.skipped == 2
    assert [str(each) for each in asked.notices] == [
        "Questions left out because nothing is judged relevant: 1",
        "Questions left out because their text is in no document any more: 1",
    ]
    questions.remove([gone])
    assert "Gone?" not in [each.text for each in questions.all(collection.id)]


def test_runs_are_paired_on_what_was_judged_alike(engine: Engine, collection: Collection) -> None:
    key = _add(engine, collection, LEAVE, "年假", "员工手册.md")
    system = [System("keyword", E5)]
    catalog = engine.catalog
    first = compare(
        engine,
        collection,
        judged_questions(catalog, collection, catalog.questions.all(collection.id)),
        system,
    ).systems[0]
    document = catalog.documents.named(collection.id, "Garden.md")[0]
    catalog.questions.judge(key, Judgement(document.id, document.name, document.sha256, None, 0))
    second = compare(
        engine,
        collection,
        judged_questions(catalog, collection, catalog.questions.all(collection.id)),
        system,
    ).systems[0]
    assert difference(first, first, "mrr@10") is not None
    assert difference(first, second, "mrr@10") is None


def test_questions_are_made_without_a_model(engine: Engine, collection: Collection) -> None:
    made = generate(engine.catalog, collection, 5, chat_model=None)
    assert len(made) == 5 and len({each.text for each in made}) == 5
    assert {each.made_by for each in made} == {"extractive"}
    assert any(re.search("[一-鿿]", each.text) for each in made)
    for each in made:
        assert each.judgements[0].quote and each.text not in each.judgements[0].quote
    keep(engine.catalog, collection, made, "generated")
    again = generate(engine.catalog, collection, 5, chat_model=None)
    assert {each.text for each in again}.isdisjoint(each.text for each in made)


@pytest.mark.parametrize(
    ("said", "question"),
    [
        (('1. "When do ', 'tomatoes go outside?"\nI hope this helps.'), "When do tomatoes go outside?"),
        (("What does the passage say?",), None),
        (("I cannot do that.",), None),
    ],
)
def test_a_chat_model_is_asked_for_one_question(
    said: tuple[str, ...], question: str | None, engine: Engine, collection: Collection
) -> None:
    model = ScriptedChatModel(*said)
    made = generate(engine.catalog, collection, 9, chat_model=model)
    assert [each.text for each in made] == ([question] if question else [])
    assert model.closed
    for each in made:
        assert each.made_by == "fake:scripted"
        assert "Garden" in each.judgements[0].name  # a Chinese passage is asked about in Chinese


def test_files_name_documents_texts_or_both(engine: Engine, collection: Collection, tmp_path: Path) -> None:
    lines = (
        {"question": "Which?", "document": ["Garden.md"]},
        {"question": LEAVE, "text": "年假"},
        {"question": "Both?", "document": "Garden.md", "text": "tomato"},
    )
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    read = read_questions(path, engine.catalog, collection)
    assert [[(each.name, each.quote) for each in question.judgements] for question in read] == [
        [("Garden.md", None)],
        [("员工手册.md", "年假")],
        [("Garden.md", "tomato")],
    ]
    table = tmp_path / "questions.csv"
    table.write_text("\ufeffquestion,document,text\nWhich?,Garden.md,\n" + LEAVE + ",,年假\n", "utf-8")
    assert [each.judgements for each in read_questions(table, engine.catalog, collection)] == [
        each.judgements for each in read[:2]
    ]
    assert [each.id for each in judged_questions(engine.catalog, collection, not_kept(read)).questions] == [
        *("1", "2", "3")
    ]
    assert keep(engine.catalog, collection, read, "imported") == 3
    assert keep(engine.catalog, collection, read, "imported") == 0


def test_beir_files_name_documents(engine: Engine, collection: Collection, tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"_id": "q7", "text": "Which?"}\n')
    (tmp_path / "r.tsv").write_text("qid\tdocid\trel\nq7\tGarden.md\t2\n")
    read = read_judged_own(tmp_path / "q.jsonl", tmp_path / "r.tsv", engine.catalog, collection)
    assert [(each.id, each.judgements[0].grade, each.judgements[0].quote) for each in read] == [
        ("q7", 2, None)
    ]
    (tmp_path / "r.tsv").write_text("qid\tdocid\trel\nq7\tgone.md\t1\n")
    with pytest.raises(UsageError, match=r"has no document “gone\.md”"):
        read_judged_own(tmp_path / "q.jsonl", tmp_path / "r.tsv", engine.catalog, collection)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("f.jsonl", '{"question": "?"}\n', "line 1: this should be a JSON object"),
        ("f.jsonl", '{"question": "?", "document": []}\n', "line 1: this should be a JSON object"),
        ("f.jsonl", '\n{"question": "?", "document": "b"}\n', "line 2: the collection “default” .*“b”"),
        ("f.jsonl", '{"question": "?", "document": ["Garden.md", 7]}\n', "line 1: the collection .*“7”"),
        (
            "f.jsonl",
            '{"question": "?", "text": "nowhere"}\n',
            "line 1: no document .* holds the text “nowhere”",
        ),
        ("f.csv", "asked,document\n?,Garden.md\n", "no columns named question, document, text"),
        ("f.csv", "question,document\n?,b\n", "line 2: the collection .*“b”"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(
    name: str, content: str, said: str, engine: Engine, collection: Collection, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(UsageError, match=said):
        read_questions(tmp_path / name, engine.catalog, collection)


def test_work_in_the_background_ends_with_a_result_or_a_reason(
    engine: Engine, collection: Collection
) -> None:
    work = Evaluations(engine)
    work.run(collection, (System("keyword", E5),))
    assert _ended(work, collection).state == "failed"
    assert "has no question whose answer is known" in str(_ended(work, collection).error)
    work.generate(collection, 2, with_model=False)
    assert _ended(work, collection).state == "done"
    work.run(collection, (System("keyword", E5),))
    done = _ended(work, collection)
    assert done.state == "done" and list(saved(engine.catalog, collection)) == [done.result]
    work.forget(collection)
    assert work.state(collection) is None


def test_work_in_the_background_is_stopped_and_keeps_nothing(engine: Engine, collection: Collection) -> None:
    work = Evaluations(engine)
    keep(engine.catalog, collection, generate(engine.catalog, collection, 2, chat_model=None), "generated")
    work.run(collection, (System("dense", E5, 48), System("dense", E5, 64)))
    with pytest.raises(UsageError, match="Another evaluation is going on"):
        work.run(collection, (System("keyword", E5),))
    work.stop()
    assert _ended(work, collection).state == "stopped"
    assert saved(engine.catalog, collection) == {}


def test_what_is_judged_anew_takes_the_place_of_the_same_text(engine: Engine, collection: Collection) -> None:
    key = engine.catalog.questions.add(collection.id, LEAVE, origin="typed")
    passage = pooled(engine.search_side_by_side(collection, Query(LEAVE, k=3)))[0]

    def present() -> StoredQuestion:
        return next(each for each in engine.catalog.questions.all(collection.id) if each.id == key)

    assert grade_of(present(), passage) is None
    for grade in (1, 0, None):
        judge(engine, present(), passage, grade)
        assert grade_of(present(), passage) == grade
    judge(engine, present(), passage, 1)
    part = replace(passage, text=passage.text[: len(passage.text) // 2])
    judge(engine, present(), part, 0)
    assert [each.grade for each in present().judgements] == [0]


def _ended(work: Evaluations, collection: Collection) -> Work:
    thread = work._thread
    assert thread
    thread.join(60)
    found = work.state(collection)
    assert found
    return found
