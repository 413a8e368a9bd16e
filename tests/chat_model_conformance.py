"""What every chat model must do, whatever is behind it."""

from collections.abc import Generator
from typing import cast

from rag.chat_models.base import ChatModel, Message

QUESTION = [
    Message("system", "You answer briefly."),
    Message("user", "What is the capital of France?"),
]


class ChatModelConformance:
    """Inherit it and give a fixture `chat`."""

    def test_names_itself_by_provider_and_model(self, chat: ChatModel) -> None:
        provider, _, model = chat.id.partition(":")
        assert provider
        assert model

    def test_tells_what_can_be_asked_of_it(self, chat: ChatModel) -> None:
        assert chat.context_tokens >= 200
        assert chat.follows_citation_rules in (True, False)

    def test_streams_an_answer_in_several_pieces(self, chat: ChatModel) -> None:
        pieces = list(chat.stream(QUESTION))
        assert len(pieces) > 1
        assert all(pieces)
        assert "�" not in "".join(pieces)

    def test_answers_again_after_its_stream_was_closed_early(self, chat: ChatModel) -> None:
        stream = cast(Generator[str], chat.stream(QUESTION))
        assert next(stream)
        stream.close()
        assert list(stream) == []
        assert list(chat.stream(QUESTION))

    def test_asks_nothing_before_the_first_piece_is_wanted(self, chat: ChatModel) -> None:
        cast(Generator[str], chat.stream(QUESTION)).close()

    def test_serves_two_questions_at_once(self, chat: ChatModel) -> None:
        first, second = chat.stream(QUESTION), chat.stream(QUESTION)
        assert next(first)
        assert next(second)
        cast(Generator[str], first).close()
        assert list(second)
        cast(Generator[str], second).close()
