"""Passages to be judged: what any way of searching finds first, without saying which one found it."""

from rag.catalog import Catalog, Judgement, StoredQuestion
from rag.documents import Passage
from rag.engine import Engine
from rag.evaluation.judging import meaning
from rag.retrieval.side_by_side import SideBySide


def pooled(found: SideBySide) -> list[Passage]:
    """The passages of all modes, each once, ordered by the best rank that one has."""
    passages = {each.chunk_id: each for result in found.results.values() for each in result.passages}
    return sorted(
        passages.values(), key=lambda each: (min(found.ranks[each.chunk_id].values()), each.chunk_id)
    )


def grade_of(question: StoredQuestion, passage: Passage) -> int | None:
    """How a passage was judged, None where it was not; the best of several judgements."""
    return max((each.grade for each in meaning(passage, question.judgements)), default=None)


def judge(engine: Engine, question: StoredQuestion, passage: Passage, grade: int | None) -> None:
    """Keep what a person says of a passage in place of what was said of the same text; None takes it back."""
    catalog: Catalog = engine.catalog
    said = [each for each in meaning(passage, question.judgements) if each.quote is not None]
    document = catalog.documents.find(passage.document_id)
    if grade is None or document is None:
        catalog.questions.unjudge(question.id, said)
        return
    judgement = Judgement(document.id, document.name, document.sha256, passage.text, grade)
    catalog.questions.judge(question.id, judgement, replacing=said)
