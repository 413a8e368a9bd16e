"""Embeds with sentence-transformers: any model it serves, with all its modules and prompts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.embedders.base import Fingerprint
from rag.embedders.hub_models import HubModel
from rag.embedders.torch_embedder import LoadedModel, Role, TorchEmbedder
from rag.embedders.torch_models import LOCAL, HubTokenizer, best_device, prefixes, smallest

_SILENT_MODULES = {"Transformer", "Normalize"}


class SentenceTransformersEmbedder(TorchEmbedder):
    """Embeds with a sentence-transformers model: a folder, or a name on the hub."""

    provider = "sentence-transformers"
    packages = ("torch", "sentence_transformers")

    def _load(self, files: HubModel) -> LoadedModel:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        device, batch_tokens = best_device()
        model = SentenceTransformer(
            str(files.folder),
            device=device,
            **LOCAL,
            model_kwargs={"dtype": torch.float32},
            processor_kwargs={"split_special_tokens": True},
        )
        query_prefix, document_prefix = prefixes(self._name, model.prompts)
        tokenizer = HubTokenizer(model.tokenizer)
        fingerprint = Fingerprint(
            provider=self.provider,
            model=self._name,
            revision=files.revision,
            pooling=_pooling(model),
            query_prefix=query_prefix,
            document_prefix=document_prefix,
            normalised=True,
            dimension=int(model.get_embedding_dimension() or 0),
        )
        # A model for pictures too would take a text that is an address for the picture there, and fetch it.
        text_only = set(model.modalities) == {"text"}

        def embed(texts: Sequence[str], role: Role) -> NDArray[np.float32]:
            encode, prompt = (
                (model.encode_query, query_prefix)
                if role == "query"
                else (model.encode_document, document_prefix)
            )
            rows: NDArray[np.float32] = encode(
                list(texts) if text_only else [{"text": text} for text in texts],
                prompt=prompt,
                batch_size=len(texts),
                show_progress_bar=False,
            )
            return rows

        return LoadedModel(
            fingerprint,
            smallest(model.max_seq_length),
            tokenizer.added(query_prefix, document_prefix),
            batch_tokens,
            tokenizer.count,
            embed,
        )


def _pooling(model: Any) -> str:
    """How the model comes from tokens to one vector: "mean", "cls+Dense"."""
    steps = [
        getattr(module, "pooling_mode", type(module).__name__)
        for module in model
        if type(module).__name__ not in _SILENT_MODULES
    ]
    return "+".join(step if isinstance(step, str) else "+".join(step) for step in steps)
