"""The models in use: made when they are first needed, kept, and shared by all who ask."""

import threading

from rag.catalog import Collection
from rag.chat_models.base import ChatModel
from rag.chat_models.factory import EXTRACTIVE, choose_chat_model, make_chat_model
from rag.documents import Fingerprint, Notice
from rag.embedders.base import Embedder
from rag.embedders.factory import make_embedder
from rag.errors import ProviderError, RagError
from rag.settings import Settings


class Models:
    """Embedders and chat models by their names, "provider:model"."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._embedders: dict[str, Embedder] = {}
        self._chat_models: dict[str | None, ChatModel] = {}
        self._lock = threading.Lock()

    def embedder(self, model_id: str) -> Embedder:
        """The embedder of this name. Raises UsageError, ProviderError."""
        with self._lock:
            if model_id not in self._embedders:
                self._embedders[model_id] = make_embedder(self._settings, model_id)
            return self._embedders[model_id]

    def embedder_of(self, collection: Collection) -> Embedder:
        """The model a collection belongs to. Raises ProviderError if it is not the one it was made with."""
        embedder = self.embedder(collection.fingerprint.id)
        if embedder.fingerprint != collection.fingerprint:
            raise ProviderError(
                "The collection “{name}” was embedded by {theirs}, but {ours} is installed under that name. "
                "Install the model it was made with, or add its documents to a new collection.",
                name=collection.name,
                theirs=_described(collection.fingerprint),
                ours=_described(embedder.fingerprint),
            )
        return embedder

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

    def answer_locally(self) -> bool:
        """Whether the chat model runs on this machine; False where none can be had."""
        try:
            model = self.chat_model()
        except RagError:
            return False
        return model is None or model.is_local

    def warm_up(self) -> None:
        """Start the chat model's process, if it has one. Raises UsageError, ProviderError."""
        start = getattr(self.chat_model(), "warm_up", None)
        if start:
            start()

    def close(self) -> None:
        """Stop the processes of chat models that have one."""
        for model in self._chat_models.values():
            stop = getattr(model, "close", None)
            if stop:
                stop()


def _described(fingerprint: Fingerprint) -> Notice:
    return Notice(
        "{model} (revision {revision}, {dimension} dimensions)",
        {
            "model": fingerprint.id,
            "revision": fingerprint.revision[:12],
            "dimension": fingerprint.dimension,
        },
    )
