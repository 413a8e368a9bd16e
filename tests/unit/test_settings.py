"""Settings: a wrong one is named, and what it holds is not."""

from pathlib import Path

import pytest

from rag.errors import UsageError
from rag.providers.addresses import is_loopback
from rag.settings import load_settings


def test_a_configuration_that_does_not_exist_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAG_CONFIG", str(tmp_path / "missing.toml"))
    with pytest.raises(UsageError, match=r"missing\.toml"):
        load_settings()


def test_what_a_wrong_setting_holds_is_not_shown() -> None:
    with pytest.raises(UsageError) as wrong:
        load_settings(openai_api_key=["sk-secret"])
    assert "RAG_OPENAI_API_KEY" in str(wrong.value)
    assert "sk-secret" not in f"{wrong.value} {wrong.value.__cause__}"


@pytest.mark.parametrize("name", ["openai_api_key", "dashscope_api_key"])
def test_space_around_a_key_is_not_part_of_it(name: str) -> None:
    key = getattr(load_settings(**{name: " sk-secret\r\n"}), name)
    assert key.get_secret_value() == "sk-secret"


@pytest.mark.parametrize("name", ["openai_api_key", "dashscope_api_key"])
@pytest.mark.parametrize("between", ["\r\n", "\0", " ", "\t", "\x7f", "\u200b"])
def test_a_key_that_no_header_holds_is_refused_unseen(name: str, between: str) -> None:
    with pytest.raises(UsageError, match=f"RAG_{name.upper()} has a space or a control character") as wrong:
        load_settings(**{name: f"sk-one{between}sk-two"})
    assert "sk-" not in f"{wrong.value} {wrong.value.__cause__} {wrong.value.__context__}"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("5m", "5m"), (" 1h30m ", "1h30m"), ("500ms", "500ms"), ("-1", -1), ("0", 0), ("300", 300), ("", None)],
)
def test_how_long_ollama_keeps_a_model(
    given: str, kept: str | float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_OLLAMA_KEEP_ALIVE", given)
    assert load_settings().ollama_keep_alive == kept


def test_a_number_in_the_file_is_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rag.toml").write_text("ollama_keep_alive = -1\n")
    monkeypatch.setenv("RAG_CONFIG", str(tmp_path / "rag.toml"))
    assert load_settings().ollama_keep_alive == -1


@pytest.mark.parametrize("given", ["5 minutes", "m", "5x", "true", "for ever", "--1", "٣", "nan"])
def test_what_is_no_time_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="RAG_OLLAMA_KEEP_ALIVE is not a time"):
        load_settings(ollama_keep_alive=given)


URLS = ("openai_base_url", "dashscope_base_url", "ollama_host")
WRONG = ("http://[abc", "htp://me:secret@x", "http://x:99999", "http://me:se/cret@x", "http://", "http:// x",
         "http:/x", "127.0.0.1:99999", "http://x:0", "http://x/\n/y", "://x")  # fmt: skip


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("address", WRONG)
def test_a_mistyped_address_is_refused_unseen(name: str, address: str) -> None:
    with pytest.raises(UsageError, match=f"RAG_{name.upper()} is not an address") as wrong:
        load_settings(**{name: address})
    assert "cret" not in f"{wrong.value} {wrong.value.__cause__} {wrong.value.__context__}"


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize(
    "address", ["http://me:secret@127.0.0.1:1/v1/", "https://[::1]:1", "HTTPS://例子.cn/v1"]
)
def test_addresses_with_a_scheme_are_taken(name: str, address: str) -> None:
    assert getattr(load_settings(**{name: f" {address}\n"}), name) == address


@pytest.mark.parametrize("address", ["127.0.0.1:11434", "gpu", "[::1]:1", "0.0.0.0", ":11434", "gpu:1/o"])
def test_only_ollama_needs_no_scheme(address: str) -> None:
    assert load_settings(ollama_host=address).ollama_host == address
    with pytest.raises(UsageError):
        load_settings(openai_base_url=address)


def test_an_empty_address_is_none() -> None:
    assert load_settings(openai_base_url=" ").openai_base_url is None


def test_what_is_no_address_is_not_this_machine() -> None:
    assert not is_loopback("http://[abc")
    assert is_loopback("127.0.0.1:99999")
