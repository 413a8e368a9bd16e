"""The page of the models, run by Streamlit's own harness against a real engine and a local server."""

import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rag.catalog import Collection
from rag.engine import Engine
from tests.faults import status
from tests.pages import KEY, PageEngine, captions, errors, opened, press, run
from tests.provider_server import OPENAI_CHAT, OPENAI_EMBED, ProviderServer

M, OTHER = "openai:m", "openai:other"

OpenPage = Callable[..., tuple[AppTest, Engine]]


def _script() -> None:
    import streamlit as st

    from rag.ui import frame, models

    with st.sidebar:
        frame._collections()
    models.page()


@pytest.fixture
def open_page(page_engine: PageEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Opens the page on an engine with these settings, which it may save."""
    monkeypatch.setenv("RAG_CONFIG", str(tmp_path / "rag.toml"))
    (tmp_path / "rag.toml").touch()

    def open_with(**given: object) -> tuple[AppTest, Engine]:
        engine = page_engine(**given)
        return opened(_script), engine

    return open_with


def send(page: AppTest, key: str, value: str) -> None:
    """What a browser can send of a box, whether it is offered or not."""
    box = page.selectbox(key=key)
    box.options.append(value)
    box.set_value(value)


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def paths(server: ProviderServer) -> list[str]:
    return [request.path for request in server.requests]


def wait_for_the_building() -> None:
    for thread in threading.enumerate():
        if thread.name == "passage-switch":
            thread.join(60)


def test_without_its_key_the_collection_tells_and_the_key_can_be_typed(
    open_page: OpenPage, provider_server: ProviderServer
) -> None:
    page, engine = open_page(openai_api_key=None, openai_base_url=None)
    assert "key" in errors(page)
    page.text_input(key="field-openai_api_key-0").set_value(KEY)
    page.text_input(key="field-openai_base_url-0").set_value(f"{provider_server.url}/v1")
    use = next(each for each in page.button if each.label == "Use" and "openai" in each.proto.form_id)
    use.click()
    run(page)
    assert not page.error
    assert engine.collection().fingerprint.id == M


def test_a_collection_can_be_chosen_where_the_default_one_cannot_be_made(open_page: OpenPage) -> None:
    page, engine = open_page(embedder="builtin:nobody")
    engine.create_collection("Papers", embedder=M)
    run(page)
    assert page.sidebar.selectbox(key="collection").value is None
    page.sidebar.selectbox(key="collection").set_value("Papers")
    for _again in range(3):
        assert "nobody" not in errors(run(page))
    assert "**Papers**" in [each.value for each in page.markdown]


def test_a_key_is_forgotten_also_in_the_file(open_page: OpenPage, tmp_path: Path) -> None:
    page, engine = open_page()
    engine.configure({"openai_api_key": KEY}, save=True)
    assert KEY in (tmp_path / "rag.toml").read_text()
    press(page, "Forget the key")
    assert engine.settings.openai_api_key is None
    assert KEY not in (tmp_path / "rag.toml").read_text()
    assert "Forget the key" not in labels(page)


def test_what_is_left_empty_is_told(open_page: OpenPage) -> None:
    page, engine = open_page()
    press(page, "Use")
    assert [each.value for each in page.info] == ["Nothing was changed: type a key or another address."]
    page.text_input(key="new-collection-name").set_value("Papers")
    press(page, "Create")
    assert errors(page) == "Type a name and choose a model."
    page.selectbox(key="new-collection-model").set_value(M)
    press(page, "Create")
    assert not page.error
    assert engine.collection("Papers").fingerprint.id == M


@pytest.mark.parametrize(
    ("embeds", "told"), [(True, "8 dimensions"), (False, "the first word after")], ids=["embeds", "answers"]
)
def test_a_model_that_may_be_for_both_is_told_by_what_works(
    open_page: OpenPage, provider_server: ProviderServer, *, embeds: bool, told: str
) -> None:
    page, _ = open_page()
    if not embeds:
        provider_server.script(OPENAI_EMBED, [status(404)])
    page.button(key="test-openai-embedding-chat").click()
    run(page)
    assert not page.error
    assert [told in each.value for each in page.success] == [True]
    assert (OPENAI_CHAT in paths(provider_server)) is not embeds


def test_a_model_of_the_catalogue_is_tested_for_its_task_alone(
    open_page: OpenPage, provider_server: ProviderServer
) -> None:
    page, _ = open_page()
    send(page, "test-model-openai-embedding-chat", "text-embedding-3-small")
    provider_server.script(OPENAI_EMBED, [status(404)])
    page.button(key="test-openai-embedding-chat").click()
    run(page)
    assert "404" in errors(page)
    assert OPENAI_CHAT not in paths(provider_server)


def asked(engine: Engine) -> Collection:
    """The collection with a question asked of it and a second index by OTHER."""
    collection = engine.collection()
    conversation = engine.catalog.conversations.start(collection.id, "Where?")
    engine.catalog.conversations.add_turn(conversation.id, "Where?", "{}")
    engine.switching.build(collection, OTHER)
    return collection


def compared(page: AppTest) -> list[str]:
    return [each.value for each in page.markdown if "both find" in each.value]


def test_both_indexes_are_asked_once(open_page: OpenPage, provider_server: ProviderServer) -> None:
    page, engine = open_page()
    asked(engine)
    assert not compared(run(page))
    before = paths(provider_server).count(OPENAI_EMBED)
    press(page, "Compare both on your questions")
    [told] = compared(page)
    after = paths(provider_server).count(OPENAI_EMBED)
    assert after > before
    assert compared(run(page)) == [told]
    assert paths(provider_server).count(OPENAI_EMBED) == after
    press(page, "Change over to")
    assert engine.collection().fingerprint.id == OTHER
    assert not compared(page)


def test_a_building_that_never_began_is_told_and_another_model_chosen(open_page: OpenPage) -> None:
    page, engine = open_page()
    engine.switching.start(engine.collection(), "nobody:model")
    wait_for_the_building()
    run(page)
    assert "nobody" in errors(page)
    assert {"Try again", "Choose another model"} <= set(labels(page))
    assert "Remove" not in labels(page)
    press(page, "Choose another model")
    assert not page.error
    assert page.selectbox(key="other-model").value is None


def test_visitors_of_a_shared_server_choose_among_the_models_it_has(open_page: OpenPage) -> None:
    page, engine = open_page(edit_settings=False)
    send(page, "new-collection-model", "openai:typed")
    page.text_input(key="new-collection-name").set_value("Papers")
    press(page, "Create")
    assert errors(page) == "Type a name and choose a model."
    assert engine.catalog.collections.find("Papers") is None
    assert "Forget the key" not in labels(page)


def test_a_model_is_downloaded_into_ollama(open_page: OpenPage, provider_server: ProviderServer) -> None:
    page, _ = open_page(ollama_host=provider_server.url)
    page.text_input(key="pull-name").set_value("nomic-embed-text")
    page.button(key="pull-now").click()
    run(page)
    assert any("nomic-embed-text" in caption.value.replace("\\", "") for caption in page.caption)


def test_a_page_does_not_promise_more_than_is_true(open_page: OpenPage) -> None:
    page, _ = open_page()
    assert "stay on this computer" in captions(page)
    remote = {"chat_model": "dashscope:qwen-plus", "dashscope_api_key": KEY}
    page, _ = open_page(**remote)
    assert "sent to dashscope.aliyuncs.com, where dashscope:qwen-plus answers" in captions(page)
    assert "stay on this computer" not in captions(page)


def test_cost_and_host_are_told_before_a_remote_model_embeds(open_page: OpenPage) -> None:
    page, engine = open_page(dashscope_api_key=KEY)
    text = " ".join(["Rivers and towns."] * 2000).encode()
    job = engine.intake.add(engine.collection(), "long.txt", io.BytesIO(text))
    assert [each.state for each in engine.intake.run([job])] == ["done"]
    send(run(page), "other-model", "dashscope:text-embedding-v4")
    told = captions(run(page))
    assert "sent to dashscope.aliyuncs.com, for about 0.5 CNY (2025-08-14) a million tokens" in told
    assert "about CN¥0.01" in told or "less than CN¥0.01" in told
