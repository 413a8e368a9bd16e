"""Settings: a wrong one is named, and what it holds is not."""

from pathlib import Path

import pytest

from rag.errors import UsageError
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
