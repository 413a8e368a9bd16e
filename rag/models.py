"""The models in use: made when they are first needed, kept, and shared by all who ask."""

import hashlib
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import cast

from rag.catalog import Catalog, Collection
from rag.chat_models.base import ChatModel, Message
from rag.chat_models.factory import EXTRACTIVE, choose_chat_model, make_chat_model
from rag.documents import Fingerprint, Notice
from rag.embedders.base import Embedder
from rag.embedders.factory import make_embedder
from rag.embedders.remote import RemoteEmbedder
from rag.embedders.window import fitting
from rag.errors import ProviderError
from rag.model_catalogue import estimated_cost
from rag.providers.failures import Failure, Kind
from rag.rerankers import NO_RERANKER
from rag.rerankers.base import Reranker
from rag.rerankers.factory import make_reranker
from rag.settings import Settings

CANARY = "A model is known by the vector that it gives this sentence. 认识一个模型，看它给这句话的向量。"
SAMPLE_TEXTS = [f"{number}. {CANARY} " * 3 for number in range(16)]  # about as long as a short passage
CHECK_SECONDS = 300.0  # how long a server is trusted to run the model that it ran
SAME_MODEL = 0.99  # cosine: engines and precisions differ by less, other weights by more


@dataclass(frozen=True, slots=True)
class Measured:
    """How an embedder did: vectors' length, milliseconds for a question, passages embedded a second."""

    dimension: int
    question_ms: float
    texts_per_second: float


@dataclass(slots=True)
class _Embedder:
    """An embedder and, once it was asked, who it is; others need not wait for one that is asked.

    `checked` is when a server's model was last known to be that one, by time.monotonic().
    """

    embedder: Embedder
    fingerprint: Fingerprint | None = None
    checked: float = 0.0
    asking: threading.Lock = field(default_factory=threading.Lock)


class Models:
    """Embedders and chat models by their names, "provider:model"."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._embedders: dict[str, _Embedder] = {}
        self._chat_models: dict[str | None, ChatModel] = {}
        self._rerankers: dict[str, Reranker] = {}
        self._lock = threading.Lock()

    def embedder(self, model_id: str) -> Embedder:
        """The embedder of this name. Raises UsageError, ProviderError."""
        return self._embedder(model_id).embedder

    def fingerprint(self, model_id: str) -> Fingerprint:
        """Who the embedder of this name is, by what it says and by its vector of the canary.

        A server may answer with other weights under the same name: then the revision differs. It is asked
        again, for the vector of one sentence, after CHECK_SECONDS or a request that broke down.
        Raises UsageError, ProviderError.
        """
        found = self._embedder(model_id)
        if found.fingerprint and (found.asking.locked() or not _is_due(found)):
            return found.fingerprint
        with found.asking:
            if found.fingerprint and _is_due(found) and not self._is_the_same(found, found.fingerprint):
                found.embedder, found.fingerprint = make_embedder(self._settings, model_id), None
            found.fingerprint = found.fingerprint or self._identify(found.embedder)
            found.checked = time.monotonic()
            return found.fingerprint

    def embedder_of(self, collection: Collection) -> Embedder:
        """The model a collection belongs to. Raises ProviderError if it is not the one it was made with."""
        model_id = collection.fingerprint.id
        fingerprint = self.fingerprint(model_id)
        if fingerprint != collection.fingerprint:
            raise ProviderError(
                "The collection “{name}” was embedded by {theirs}, but {ours} answers under that name now. "
                "Bring back the model it was made with, or switch the collection to another model.",
                name=collection.name,
                theirs=_described(collection.fingerprint),
                ours=_described(fingerprint),
            )
        return self.embedder(model_id)

    def host_of(self, model_id: str) -> str:
        """Where an embedder sends texts; "" where they stay here. Raises UsageError, ProviderError."""
        embedder = self.embedder(model_id)
        return "" if embedder.is_local else embedder.host

    def cost_of(self, model_id: str, tokens: int) -> tuple[float, str] | None:
        """(amount, currency) that embedding `tokens` costs by the public price, the currency as ISO 4217.

        None where the model runs on this machine, or no price is known. Raises UsageError, ProviderError.
        """
        return estimated_cost(model_id, tokens) if self.host_of(model_id) else None

    def measure(self, model_id: str) -> Measured:
        """Load the model or reach its server, and take the time. Raises UsageError, ProviderError."""
        embedder = self.embedder(model_id)
        texts = [fitting(text, embedder) for text in SAMPLE_TEXTS]
        vector = embedder.embed_query(CANARY)
        started = time.perf_counter()
        embedder.embed_query(CANARY)
        asked = time.perf_counter()
        embedder.embed_documents(texts)
        ended = time.perf_counter()
        return Measured(len(vector), 1000 * (asked - started), len(texts) / (ended - asked))

    def measure_chat(self, model_id: str) -> float:
        """Seconds until a chat model says its first word. Raises UsageError, ProviderError."""
        model = self.chat_model(model_id)
        if model is None:
            return 0.0
        started = time.perf_counter()
        with closing(cast(Generator[str], model.stream([Message("user", "1 + 1 = ?")]))) as pieces:
            next(pieces, None)
        return time.perf_counter() - started

    def configure(self, settings: Settings) -> None:
        """Use other settings from now on; models are made anew when they are next needed."""
        with self._lock:
            self._settings = settings
            self._embedders.clear()
            chat_models, self._chat_models = self._chat_models, {}
            rerankers, self._rerankers = self._rerankers, {}
        _stop([*chat_models.values(), *rerankers.values()])

    def _embedder(self, model_id: str) -> _Embedder:
        with self._lock:
            if model_id not in self._embedders:
                self._embedders[model_id] = _Embedder(make_embedder(self._settings, model_id))
            return self._embedders[model_id]

    def _is_the_same(self, found: _Embedder, known: Fingerprint) -> bool:
        """Whether the server still gives the canary the vector that its model is known by."""
        if isinstance(found.embedder, RemoteEmbedder):
            found.embedder.was_cut_off = False
        try:
            vector = found.embedder.embed_documents([CANARY])[0]
        except ProviderError as error:
            if isinstance(error.__cause__, Failure) and error.__cause__.kind is Kind.VECTORS:
                return False  # such as vectors of another length
            raise
        canary = dict(self._catalog.collections.canaries()).get(known)
        return canary is not None and float(canary @ vector) >= SAME_MODEL

    def _identify(self, embedder: Embedder) -> Fingerprint:
        said = embedder.fingerprint
        vector = embedder.embed_documents([CANARY])[0]
        known = [each for each in self._catalog.collections.canaries() if _says_the_same(each[0], said)]
        for fingerprint, canary in known:
            if float(canary @ vector) >= SAME_MODEL:
                return fingerprint
        if known or not said.revision:
            digest = hashlib.sha256(vector.tobytes()).hexdigest()[:12]
            said = replace(said, revision=f"{said.revision}+{digest}")
        self._catalog.collections.add_canary(said, vector)
        return said

    def chat_model(self, model_id: str | None = None) -> ChatModel | None:
        """The chat model that answers; None: sentences are quoted. Raises UsageError, ProviderError."""
        wanted = model_id or self._settings.chat_model
        if wanted == EXTRACTIVE:
            return None
        with self._lock:
            if wanted not in self._chat_models:
                chosen = (
                    make_chat_model(self._settings, wanted) if wanted else choose_chat_model(self._settings)
                )
                if chosen is None:
                    return None  # ask again next time: a model may be installed by then
                self._chat_models[wanted] = chosen
            return self._chat_models[wanted]

    @property
    def reranker_id(self) -> str | None:
        """The settings' reranker, None where they have none."""
        chosen = self._settings.reranker
        return None if chosen == NO_RERANKER else chosen

    def reranker(self, model_id: str | None = None) -> Reranker | None:
        """The reranker of this name, None: the settings' one; None where passages keep their order.

        Raises UsageError, ProviderError.
        """
        wanted = model_id or self.reranker_id
        if wanted is None or wanted == NO_RERANKER:
            return None
        with self._lock:
            if wanted not in self._rerankers:
                self._rerankers[wanted] = make_reranker(self._settings, wanted)
            return self._rerankers[wanted]

    def measure_reranker(self) -> float:
        """Milliseconds a passage that the reranker takes, 0 without one. Raises UsageError, ProviderError."""
        reranker = self.reranker()
        if reranker is None:
            return 0.0
        reranker.scores(CANARY, SAMPLE_TEXTS[:1])
        started = time.perf_counter()
        reranker.scores(CANARY, SAMPLE_TEXTS)
        return 1000 * (time.perf_counter() - started) / len(SAMPLE_TEXTS)

    def warm_up(self) -> None:
        """Start or load the models that can be, but for embedders. Raises UsageError, ProviderError."""
        for model in (self.chat_model(), self.reranker()):
            start = getattr(model, "warm_up", None)
            if start:
                start()

    def close(self) -> None:
        """Stop the processes of models that have one, and let go of the rest."""
        _stop([*self._chat_models.values(), *self._rerankers.values()])


def _stop(models: Iterable[ChatModel | Reranker]) -> None:
    for model in models:
        stop = getattr(model, "close", None)
        if stop:
            stop()


def _is_due(found: _Embedder) -> bool:
    """Whether a server may have another model by now; what runs in this process stays what it is."""
    embedder = found.embedder
    if not isinstance(embedder, RemoteEmbedder):
        return False
    return embedder.was_cut_off or time.monotonic() - found.checked >= CHECK_SECONDS


def _says_the_same(known: Fingerprint, said: Fingerprint) -> bool:
    """Whether both are equal but for what the canary added to the revision."""
    return replace(known, revision=known.revision.partition("+")[0]) == said


def _described(fingerprint: Fingerprint) -> Notice:
    digest, plus, canary = fingerprint.revision.partition("+")
    return Notice(
        "{model} (revision {revision}, {dimension} dimensions)",
        {
            "model": fingerprint.id,
            "revision": digest[:12] + plus + canary or "–",
            "dimension": fingerprint.dimension,
        },
    )
