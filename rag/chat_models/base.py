"""The contract every chat model keeps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation with a chat model."""

    role: Literal["system", "user", "assistant"]
    content: str


class ChatModel(Protocol):
    """Streams an answer.

    `id` is "provider:model". `context_tokens` is how many tokens of passages it is wise to send (a model that
    runs on this machine reads slowly). `is_local` tells whether what is asked stays on this machine;
    `host` is where it is sent, "" where it is not.
    `follows_citation_rules` tells whether the model can be asked to write its own [n] markers; where it
    cannot, the sources are attached afterwards.
    """

    @property
    def id(self) -> str: ...

    @property
    def context_tokens(self) -> int: ...

    @property
    def is_local(self) -> bool: ...

    @property
    def host(self) -> str: ...

    @property
    def follows_citation_rules(self) -> bool: ...

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """Pieces of the answer as they come; closing it closes the request. Raises ProviderError."""
        ...
