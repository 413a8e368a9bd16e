"""How well questions find what answers them: question sets, judgements, metrics, and runs."""

from rag.evaluation.asking import (
    Asked,
    Judged,
    NewQuestion,
    judged_questions,
    keep,
    not_kept,
    ready_documents,
)
from rag.evaluation.comparing import Change, Comparison, SystemResult, changes, compare, difference
from rag.evaluation.corpus_index import CorpusIndex, index_corpus
from rag.evaluation.generating import generate
from rag.evaluation.importing import read_judged_own, read_questions
from rag.evaluation.metrics import METRICS, bootstrap_interval
from rag.evaluation.question_sets import (
    CorpusDocument,
    Question,
    QuestionSet,
    read_corpus,
    read_judged_queries,
)
from rag.evaluation.running import Evaluation, QuestionResult, evaluate
from rag.evaluation.saving import save, saved
from rag.evaluation.systems import System, systems

__all__ = [
    "METRICS",
    "Asked",
    "Change",
    "Comparison",
    "CorpusDocument",
    "CorpusIndex",
    "Evaluation",
    "Judged",
    "NewQuestion",
    "Question",
    "QuestionResult",
    "QuestionSet",
    "System",
    "SystemResult",
    "bootstrap_interval",
    "changes",
    "compare",
    "difference",
    "evaluate",
    "generate",
    "index_corpus",
    "judged_questions",
    "keep",
    "not_kept",
    "read_corpus",
    "read_judged_own",
    "read_judged_queries",
    "read_questions",
    "ready_documents",
    "save",
    "saved",
    "systems",
]
