"""How well questions find the documents that answer them: question sets, metrics, and the run."""

from rag.evaluation.corpus_index import CorpusIndex, index_corpus
from rag.evaluation.metrics import METRICS, bootstrap_interval
from rag.evaluation.question_sets import (
    CorpusDocument,
    Question,
    QuestionSet,
    read_corpus,
    read_judged_queries,
    read_questions,
)
from rag.evaluation.running import Evaluation, QuestionResult, evaluate

__all__ = [
    "METRICS",
    "CorpusDocument",
    "CorpusIndex",
    "Evaluation",
    "Question",
    "QuestionResult",
    "QuestionSet",
    "bootstrap_interval",
    "evaluate",
    "index_corpus",
    "read_corpus",
    "read_judged_queries",
    "read_questions",
]
