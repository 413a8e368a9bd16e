"""The catalogue of models: facts with sources, names that Passage knows, and the documentation's table."""

import re

import pytest

from rag import model_files
from rag.chat_models.factory import make_chat_model
from rag.embedders.factory import make_embedder
from rag.errors import UsageError
from rag.model_catalogue import (
    HEADINGS,
    MODELS,
    ModelFacts,
    catalogue_table,
    estimated_cost,
    find_model,
    markdown_table,
    models_for,
)
from rag.settings import PROJECT_DIR, load_settings

WANTED = (
    "ollama:bge-m3", "sentence-transformers:BAAI/bge-m3", "transformers:BAAI/bge-m3",
    "openai:nvidia/NV-Embed-v2", "sentence-transformers:BAAI/bge-large-zh-v1.5",
    "sentence-transformers:moka-ai/m3e-base", "clip:BAAI/BGE-VL-base", "ollama:nomic-embed-text",
    "sentence-transformers:Alibaba-NLP/gte-Qwen2-1.5B-instruct", "dashscope:text-embedding-v1",
    "dashscope:text-embedding-v3", "dashscope:text-embedding-v4", "openai:text-embedding-3-small",
    "openai:text-embedding-3-large", "openai:text-embedding-ada-002", "builtin:all-minilm-l6-v2",
    "chroma:default", "builtin:multilingual-e5-small", "clip:openai/clip-vit-base-patch32",
    "ollama:mxbai-embed-large", "ollama:qwen3-embedding:0.6b", "openai:jina-embeddings-v3",
    "dashscope:multimodal-embedding-v1", "dashscope:tongyi-embedding-vision-plus",
    "dashscope:tongyi-embedding-vision-flash", "dashscope:qwen3-vl-embedding",
    "dashscope:qwen2.5-vl-embedding",
)  # fmt: skip

by_name = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


@pytest.mark.parametrize("id", WANTED)
def test_what_people_ask_for_is_there(id: str) -> None:
    assert find_model(id) is not None


def test_a_name_means_one_model() -> None:
    ids = [id for model in MODELS for id in model.ids]
    assert len(ids) == len(set(ids))


@by_name
def test_every_name_is_one_that_passage_knows(model: ModelFacts) -> None:
    make = make_chat_model if model.task == "chat" else make_embedder
    with pytest.raises(UsageError) as unknown:
        make(load_settings(), "nobody:model")
    assert set(model.providers) <= set(str(unknown.value.values["providers"]).split(", "))


@by_name
def test_facts_are_plausible_and_have_a_source(model: ModelFacts) -> None:
    assert model.source.startswith("https://")
    assert all(8 <= dimension <= 8192 for dimension in model.dimensions)
    assert len(set(model.dimensions)) == len(model.dimensions)
    assert {"en", "zh"} & set(model.languages)
    if model.price:
        assert model.runs_on == "service"
        assert re.fullmatch(r"\d{4}-\d\d(-\d\d)?", model.price.as_of)
        assert model.price.source.startswith("https://")


def test_builtin_models_are_described_as_they_are_installed() -> None:
    described = {
        id.removeprefix("builtin:"): model for model in models_for(provider="builtin") for id in model.ids
    }
    for name, file in model_files.MODELS.items():
        facts = described[name]
        assert (facts.task, facts.licence, facts.bytes) == (file.task, file.licence, file.size)


def test_non_commercial_licences_are_pointed_out() -> None:
    restricted = [model for model in MODELS if "-NC-" in (model.licence or "")]
    assert restricted
    assert all(any("non-commercial" in str(note) for note in model.notes) for model in restricted)


def test_models_are_chosen_by_task_language_and_provider() -> None:
    chinese = models_for(task="embedding", language="zh")
    assert chinese[0].ids[0] == "builtin:multilingual-e5-small"
    assert all("zh" in model.languages and model.task == "embedding" for model in chinese)
    assert {model.name for model in models_for(provider="dashscope", task="chat")} == {"Qwen-Plus"}
    assert {model.providers for model in models_for(task="multimodal", language="zh")} == {("dashscope",)}


def test_ollamas_latest_is_the_model() -> None:
    assert find_model("ollama:bge-m3:latest") == find_model("ollama:bge-m3")
    assert find_model("ollama:bge-m3:567m") is None
    assert find_model("openai:nobody-knows") is None


def test_a_cost_is_told_where_there_is_a_public_price() -> None:
    assert estimated_cost("openai:text-embedding-3-small", 1_000_000) == (pytest.approx(0.02), "USD")
    assert estimated_cost("dashscope:text-embedding-v4", 356_000) == (pytest.approx(0.178), "CNY")
    assert estimated_cost("openai:text-embedding-3-large", 0) == (0, "USD")
    assert estimated_cost("builtin:multilingual-e5-small", 1_000_000) is None
    assert estimated_cost("openai:nobody-knows", 1_000_000) is None


def test_the_table_has_a_row_for_each_model() -> None:
    rows = catalogue_table()
    assert [row[0] for row in rows] == [model.ids[0] for model in MODELS]
    assert {len(row) for row in rows} == {len(HEADINGS)}


def test_the_documentation_shows_the_catalogue_as_it_is() -> None:
    page = (PROJECT_DIR / "docs" / "models.md").read_text("utf-8")
    shown = page.partition("<!-- catalogue -->\n")[2].partition("<!-- end of the catalogue -->")[0]
    assert shown == markdown_table(), "write the result of rag.model_catalogue.markdown_table() there"


def test_the_documentation_names_models_that_exist() -> None:
    page = (PROJECT_DIR / "docs" / "models.md").read_text("utf-8")
    prose = page.partition("<!-- catalogue -->\n")[0]
    named = set(
        re.findall(r"`((?:builtin|ollama|openai|dashscope|clip|chroma|sentence-transformers):[^`…]+)`", prose)
    )
    assert named
    assert all(find_model(id) for id in named), named
