"""Settings that a page changes: for this run, or in the file, for its owner's eyes only."""

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.engine import Engine
from rag.errors import StoreError, UsageError
from rag.settings import load_settings, save_settings

KEY = "sk-secret-77"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "rag.toml"
    path.write_text('# ours\ntop_k = 7  # as agreed\nopenai_api_key = "old"\n')
    monkeypatch.setenv("RAG_CONFIG", str(path))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DASHSCOPE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return path


@pytest.fixture
def engine(config: Path, tmp_path: Path) -> Iterator[Engine]:
    with Engine(load_settings(data_dir=tmp_path / "store")) as opened:
        yield opened


def key_of(engine: Engine) -> str | None:
    key = engine.settings.openai_api_key
    return key.get_secret_value() if key else None


def test_a_saved_key_is_for_its_owner_only_and_comments_stay(config: Path) -> None:
    config.chmod(0o644)
    save_settings({"openai_api_key": KEY, "dashscope_api_key": '中文"key'})
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert "# ours" in config.read_text() and "# as agreed" in config.read_text()
    settings = load_settings()
    assert settings.openai_api_key and settings.openai_api_key.get_secret_value() == KEY
    assert settings.dashscope_api_key and settings.dashscope_api_key.get_secret_value() == '中文"key'
    assert settings.top_k == 7
    save_settings({"openai_api_key": None})
    assert load_settings().openai_api_key is None


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_CONFIG", str(tmp_path / "nowhere" / "rag.toml"))
    with pytest.raises(StoreError, match="RAG_CONFIG") as caught:
        save_settings({"openai_api_key": KEY})
    assert KEY not in str(caught.value)


def test_a_link_to_the_file_stays_a_link(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = config.with_name("link.toml")
    link.symlink_to(config.name)
    monkeypatch.setenv("RAG_CONFIG", str(link))
    save_settings({"openai_api_key": KEY})
    assert link.is_symlink() and KEY in config.read_text()
    assert {path.name for path in config.parent.iterdir()} == {"link.toml", "rag.toml"}


def test_saves_at_once_lose_nothing(config: Path) -> None:
    start = threading.Barrier(8)

    def save(number: int) -> None:
        start.wait()
        for each in range(5):
            save_settings({f"name_{number}_{each}": "x"})

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert config.read_text().count("name_") == 40


def test_two_who_configure_at_once_both_count(engine: Engine) -> None:
    start = threading.Barrier(2)

    def use(values: dict[str, str | None]) -> None:
        start.wait()
        engine.configure(values, save=False)

    given = ({"openai_api_key": KEY}, {"ollama_host": "http://127.0.0.1:1"})
    threads = [threading.Thread(target=use, args=(values,)) for values in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (key_of(engine), engine.settings.ollama_host) == (KEY, "http://127.0.0.1:1")


ELSEWHERE = "http://127.0.0.1:1/v1"


@pytest.mark.parametrize("save", [False, True])
def test_a_key_does_not_follow_to_another_address(save: bool, engine: Engine, config: Path) -> None:
    engine.configure({"openai_base_url": ELSEWHERE}, save=save)
    assert (key_of(engine), engine.settings.openai_base_url) == (None, ELSEWHERE)
    assert ("old" in config.read_text()) is not save
    engine.configure({"dashscope_api_key": KEY}, save=False)
    assert key_of(engine) is None
    engine.configure({"openai_api_key": KEY, "openai_base_url": ELSEWHERE + "/"}, save=save)
    assert key_of(engine) == KEY


def test_a_key_stays_where_its_address_does(engine: Engine) -> None:
    engine.configure({"dashscope_base_url": ELSEWHERE, "openai_base_url": None}, save=False)
    assert key_of(engine) == "old"


def test_an_address_tried_first_does_not_get_the_saved_key(engine: Engine) -> None:
    engine.configure({"openai_base_url": ELSEWHERE, "openai_api_key": KEY}, save=False)
    engine.configure({"openai_base_url": ELSEWHERE}, save=True)
    assert load_settings().openai_api_key is None


def test_the_environments_key_does_not_go_to_a_saved_address(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    before = config.read_text()
    with Engine(load_settings(data_dir=tmp_path / "store")) as engine:
        with pytest.raises(UsageError, match="OPENAI_API_KEY would go to this address"):
            engine.configure({"openai_base_url": ELSEWHERE, "openai_api_key": "mine"}, save=True)
        assert (key_of(engine), config.read_text()) == (KEY, before)
        engine.configure({"openai_base_url": ELSEWHERE}, save=False)
        assert key_of(engine) is None


def test_a_key_for_this_run_is_in_no_file(engine: Engine, config: Path, tmp_path: Path) -> None:
    before = config.read_text()
    folder = engine.settings.data_dir
    engine.configure({"openai_api_key": KEY}, save=False)
    assert key_of(engine) == KEY
    assert engine.settings.data_dir == folder
    assert engine.settings.top_k == 7
    assert config.read_text() == before
    assert KEY not in repr(engine.settings)
    assert not any(KEY.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_key_for_good_is_there_at_the_next_start(engine: Engine) -> None:
    engine.configure({"openai_api_key": KEY, "openai_base_url": "http://127.0.0.1:1/v1"}, save=True)
    assert key_of(engine) == KEY
    loaded = load_settings()
    assert loaded.openai_base_url == "http://127.0.0.1:1/v1"
    engine.configure({"openai_api_key": None}, save=True)
    assert key_of(engine) is None
    assert engine.settings.openai_base_url == "http://127.0.0.1:1/v1"


def test_what_is_wrong_changes_nothing(engine: Engine, config: Path) -> None:
    before = config.read_text()
    with pytest.raises(UsageError, match="RAG_PORT"):
        engine.configure({"port": "many"}, save=True)
    assert config.read_text() == before
    assert key_of(engine) == "old"


@pytest.mark.parametrize(("host", "chosen", "may"), [("0.0.0.0", None, False), ("127.0.0.1", False, False),
                                                     ("0.0.0.0", True, True)])  # fmt: skip
def test_a_page_that_others_can_open_changes_nothing(
    host: str, chosen: bool | None, may: bool, config: Path, tmp_path: Path
) -> None:
    settings = load_settings(host=host, edit_settings=chosen, data_dir=tmp_path / "store")
    with Engine(settings) as engine:
        assert engine.may_edit_settings is may
        if not may:
            with pytest.raises(UsageError, match="cannot be changed here"):
                engine.configure({"openai_api_key": KEY}, save=False)
