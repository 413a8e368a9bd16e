"""From passages to an answer: prompt, stream, citations, and the check that they hold."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.answering.citations import MARKER, Citation, Cited, Relevance, attach_sources, check_markers
from rag.answering.extractive import quote
from rag.answering.prompts import CHINESE, ENGLISH, answer_messages, search_question, wording_for
from rag.answering.sentences import condensed
from rag.chat_models.base import ChatModel
from rag.chat_models.factory import EXTRACTIVE
from rag.chunking import split_sentences
from rag.documents import Notice, Passage
from rag.embedders.base import Embedder

__all__ = ["EXTRACTIVE", "Answer", "Citation", "answer", "search_question"]

NOT_FOUND = 0.05  # relevance of the best passage below which no model is asked


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer; markers [n] in `text` are the ranks of `passages`. Times are in seconds."""

    text: str
    answered: bool
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    model: str
    seconds: Mapping[str, float]
    notices: tuple[Notice, ...] = ()


def answer(
    question: str,
    passages: Sequence[Passage],
    *,
    chat_model: ChatModel | None,
    embedder: Embedder | None,
    relevance: Relevance,
    history: Sequence[tuple[str, str]] = (),
) -> Iterator[str | Answer]:
    """Pieces of the answer as they come, then the checked Answer; closing it stops the model.

    Without a chat model the nearest sentences are quoted. Without a passage near enough, the answer is that
    the documents do not hold one. Without an embedder sentences are compared by words. Raises ProviderError.
    """
    started = time.perf_counter()
    model = chat_model.id if chat_model else EXTRACTIVE
    refusal = wording_for(question).refusal
    first = 0.0
    if not _worth_asking(passages):
        cited = Cited(refusal, ())
    elif chat_model is None:
        cited = quote(question, passages, embedder)
    else:
        used = condensed(question, passages, embedder, most_tokens=chat_model.context_tokens)
        cite = chat_model.follows_citation_rules
        pieces: list[str] = []
        for piece in chat_model.stream(answer_messages(question, used, cite=cite, history=history)):
            first = first or time.perf_counter() - started
            pieces.append(piece)
            yield piece
        cited = _checked("".join(pieces).strip(), passages, relevance, cite=cite)
    answered = bool(cited.text) and not is_refusal(cited.text)
    yield Answer(
        text=cited.text if answered else refusal,
        answered=answered,
        citations=cited.citations if answered else (),
        passages=tuple(passages),
        model=model,
        seconds={"first_token": first, "answer": time.perf_counter() - started},
        notices=cited.notices if answered else (),
    )


def is_refusal(text: str) -> bool:
    """Whether a model said that the passages do not hold the answer: in our words, or in one sentence."""
    bare = MARKER.sub("", text).strip()
    if bare.startswith(_OURS):
        return True
    return len(split_sentences(bare)) == 1 and bool(_REFUSAL.search(bare))


_OURS = tuple(wording.refusal.rstrip(".。") for wording in (ENGLISH, CHINESE))
_REFUSAL = re.compile(  # of what any text can lack: "does not include a warranty" is an answer
    r"\bnot in the(?:se|) documents"
    r"|\bnot (?:mentioned|stated|specified|answered|found) in the (?:\w+ )?"
    r"(?:passages?|context|documents?|text)\b"
    r"|\b(?:passages?|context|documents?|text|information)(?: provided| given| above| below)?"
    r" (?:do(?:es)? not|don['’]t|doesn['’]t) (?:(?:mention|specify|state|say|answer)\b"
    r"|(?:contain|provide|include|give|have) (?:(?:the|an?|any|enough|sufficient|specific|such|direct"
    r"|relevant|explicit|clear|exact) ){0,3}(?:answers?|information|mention|details?)\b)"
    r"|(?:资料|文中|上下文|文档|文章|材料|原文)[^。，]{0,8}(?:"
    r"(?:没有|未)[^。，]{0,4}(?:提到|提及|涉及)"
    r"|(?:没有|未|不)[^。，]{0,12}答案"
    r"|(?:没有|未|不)[^。，]{0,6}(?:相关|有关|关于|任何|足够)[^。，]{0,20}(?:信息|内容|说明|描述))",
    re.IGNORECASE,
)


def _worth_asking(passages: Sequence[Passage]) -> bool:
    return any(passage.relevance is None or passage.relevance >= NOT_FOUND for passage in passages)


def _checked(text: str, passages: Sequence[Passage], relevance: Relevance, *, cite: bool) -> Cited:
    check = check_markers if cite else attach_sources
    return check(text, passages, relevance)
