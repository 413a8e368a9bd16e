"""The contract every reranker keeps."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Scores: TypeAlias = NDArray[np.float32]


class Reranker(Protocol):
    """Tells how well texts answer a question by reading both together.

    `id` is "provider:model". `max_tokens` is the model's window for a question and a text together, without
    what it adds itself (None: unknown). A longer text is read in pieces, and the best of them counts; a
    question of more than half the window raises ProviderError: nothing is cut unseen. `is_local` tells
    whether texts stay on this machine; `host` is where they are sent, "" where they are not.
    """

    @property
    def id(self) -> str: ...

    @property
    def is_local(self) -> bool: ...

    @property
    def host(self) -> str: ...

    @property
    def max_tokens(self) -> int | None: ...

    def count_tokens(self, text: str) -> int: ...

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        """A score for each text in their order, higher is nearer: shape (n,), finite; n may be 0.

        Scores of one question can be compared, those of two cannot. Raises ProviderError.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds; it may be asked again afterwards."""
        ...
