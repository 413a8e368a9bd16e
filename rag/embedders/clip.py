"""Embeds texts and pictures into one space with CLIP or Chinese-CLIP."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.embedders.base import Fingerprint, Vectors
from rag.embedders.batches import padded
from rag.embedders.hub_models import HubModel
from rag.embedders.pictures import read_picture
from rag.embedders.torch_embedder import LoadedModel, Role, TorchEmbedder
from rag.embedders.torch_models import LOCAL, HubTokenizer, best_device, load_model, smallest
from rag.errors import ProviderError

if TYPE_CHECKING:
    from PIL.Image import Image

_BATCH_PICTURES = 16
_MODEL_TYPES = ("clip", "chinese_clip")


class ClipEmbedder(TorchEmbedder):
    """Embeds texts, and pictures in the same space: a folder, or a name on the hub."""

    provider = "clip"

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        """Vectors of picture files, shape (n, dimension), float32, unit length; n may be 0.

        A picture is turned upright, put on white where it is transparent, and of a moving one the first
        frame counts. Raises DocumentError telling which is no picture, or ProviderError.
        """
        vectors = np.empty((len(pictures), self.fingerprint.dimension), np.float32)
        for start in range(0, len(pictures), _BATCH_PICTURES):
            batch = pictures[start : start + _BATCH_PICTURES]
            pixels = np.stack(
                [self._pixels(read_picture(data, number)) for number, data in enumerate(batch, start + 1)]
            )
            with self._turns.batch():
                rows = self._run(len(batch), partial(self._embed_pixels, pixels))
            vectors[start : start + len(batch)] = rows
        return vectors

    def _load(self, files: HubModel) -> LoadedModel:
        import torch
        from transformers import AutoImageProcessor, AutoTokenizer

        model = load_model(files.folder, self._id)
        config = model.config
        if config.model_type not in _MODEL_TYPES:
            raise ProviderError(
                "{model} is no CLIP model but {kind}. Choose a CLIP or Chinese-CLIP model.",
                model=self._id,
                kind=config.model_type,
            )
        device, batch_tokens = best_device()
        # The same way to make pixels everywhere, whether torchvision is installed or not.
        processor = AutoImageProcessor.from_pretrained(files.folder, backend="pil", **LOCAL)
        original = AutoTokenizer.from_pretrained(files.folder, **LOCAL)
        tokenizer = HubTokenizer(original)
        pad_id = original.pad_token_id or 0

        def embed(texts: Sequence[str], _role: Role) -> NDArray[np.float32]:
            ids = [tokenizer.sequence(text) for text in texts]
            tokens, mask = padded(ids, max(map(len, ids)), pad_id)
            with torch.inference_mode():
                features = model.get_text_features(
                    input_ids=torch.from_numpy(tokens).to(device),
                    attention_mask=torch.from_numpy(mask).to(device),
                )
            rows: NDArray[np.float32] = features.pooler_output.cpu().numpy()
            return rows

        def pixels(picture: "Image") -> NDArray[np.float32]:
            values: NDArray[np.float32] = processor(picture, return_tensors="np")["pixel_values"][0]
            return values

        def embed_pixels(values: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.inference_mode():
                features = model.get_image_features(pixel_values=torch.from_numpy(values).to(device))
            rows: NDArray[np.float32] = features.pooler_output.cpu().numpy()
            return rows

        self._pixels, self._embed_pixels = pixels, embed_pixels
        fingerprint = Fingerprint(
            provider=self.provider,
            model=self._name,
            revision=files.revision,
            pooling="projection",
            query_prefix="",
            document_prefix="",
            normalised=True,
            dimension=config.projection_dim,
        )
        window = smallest(original.model_max_length, config.text_config.max_position_embeddings)
        return LoadedModel(fingerprint, window, tokenizer.added(""), batch_tokens, tokenizer.count, embed)
