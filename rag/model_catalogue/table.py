"""The models themselves: data only."""

from rag.documents import Notice
from rag.model_catalogue.facts import Language, ModelFacts, Price

_NON_COMMERCIAL = Notice("For non-commercial use only.")
_OWN_CODE = Notice(
    "It brings code of its own, which Passage does not run: use it through a server with OpenAI's API."
)

_MANY: tuple[Language, ...] = ("en", "zh", "mul")
_OPENAI_MODELS = "https://developers.openai.com/api/docs/models"
_MULTIMODAL = "https://www.alibabacloud.com/help/en/model-studio/multimodal-embedding-api-reference"
_MULTIMODAL_ZH = "https://help.aliyun.com/zh/model-studio/multimodal-embedding-api-reference"
_DASHSCOPE = "https://help.aliyun.com/document_detail/2975738.html"


def _openai(model: str, amount: float) -> Price:
    return Price(amount, "USD", "2026-05", f"{_OPENAI_MODELS}/{model}")


def _dashscope(amount: float) -> Price:
    return Price(amount, "CNY", "2025-08-14", _DASHSCOPE)


def _multimodal(amount: float) -> Price:
    return Price(amount, "USD", "2026-02-05", _MULTIMODAL)


def _pictures_cost(amount: str) -> Notice:
    return Notice("The price is for texts; a million tokens of pictures cost {price}.", {"price": amount})


def _better(model: str) -> Notice:
    return Notice("An older model: {model} is better and costs less.", {"model": model})


def _address(url: str) -> Notice:
    return Notice("Set RAG_OPENAI_BASE_URL to {url}.", {"url": url})


def _hub(model: str) -> str:
    return f"https://huggingface.co/{model}"


def _torch(model: str) -> tuple[str, str]:
    return f"sentence-transformers:{model}", f"transformers:{model}"


MODELS: tuple[ModelFacts, ...] = (
    ModelFacts(
        "multilingual-e5-small",
        ("builtin:multilingual-e5-small", *_torch("intfloat/multilingual-e5-small")),
        "embedding", _MANY, "cpu", _hub("intfloat/multilingual-e5-small"),
        dimensions=(384,), max_tokens=512, licence="MIT", bytes=71_622_400,
        notes=(Notice("The default: it needs no key, no network and no graphics card."),),
    ),
    ModelFacts(
        "BGE-M3",
        ("ollama:bge-m3", *_torch("BAAI/bge-m3")),
        "embedding", _MANY, "cpu", _hub("BAAI/bge-m3"),
        dimensions=(1024,), max_tokens=8192, licence="MIT", parameters=567_000_000,
    ),
    ModelFacts(
        "Qwen3-Embedding-0.6B",
        ("ollama:qwen3-embedding:0.6b", *_torch("Qwen/Qwen3-Embedding-0.6B")),
        "embedding", _MANY, "cpu", "https://ollama.com/library/qwen3-embedding:0.6b-q8_0",
        dimensions=(1024,), max_tokens=32_768, licence="Apache-2.0",
        parameters=596_000_000, bytes=639_000_000,
    ),
    ModelFacts(
        "gte-Qwen2-1.5B-instruct",
        _torch("Alibaba-NLP/gte-Qwen2-1.5B-instruct"),
        "embedding", _MANY, "gpu", _hub("Alibaba-NLP/gte-Qwen2-1.5B-instruct"),
        dimensions=(1536,), max_tokens=32_000, licence="Apache-2.0", parameters=1_500_000_000,
    ),
    ModelFacts(
        "jina-embeddings-v3",
        ("openai:jina-embeddings-v3",),
        "embedding", _MANY, "service", "https://jina.ai/models/jina-embeddings-v3/",
        dimensions=(1024, 768, 512, 256, 128, 64, 32), max_tokens=8192, licence="CC-BY-NC-4.0",
        parameters=570_000_000,
        notes=(_address("https://api.jina.ai/v1"), Notice("The licence of its weights is non-commercial.")),
    ),
    ModelFacts(
        "bge-large-zh-v1.5",
        _torch("BAAI/bge-large-zh-v1.5"),
        "embedding", ("zh",), "cpu", _hub("BAAI/bge-large-zh-v1.5"),
        dimensions=(1024,), max_tokens=512, licence="MIT",
    ),
    ModelFacts(
        "M3E-base",
        _torch("moka-ai/m3e-base"),
        "embedding", ("zh", "en"), "cpu", _hub("moka-ai/m3e-base"),
        dimensions=(768,), max_tokens=512, parameters=110_000_000,
        notes=(Notice("Its licence could not be verified: read its card before commercial use."),),
    ),
    ModelFacts(
        "NV-Embed-v2",
        ("openai:nvidia/NV-Embed-v2",),
        "embedding", ("en",), "gpu", _hub("nvidia/NV-Embed-v2"),
        dimensions=(4096,), max_tokens=32_768, licence="CC-BY-NC-4.0", parameters=7_850_000_000,
        bytes=15_700_000_000,
        notes=(_NON_COMMERCIAL, _OWN_CODE),
    ),
    ModelFacts(
        "nomic-embed-text-v1.5",
        ("ollama:nomic-embed-text", *_torch("nomic-ai/nomic-embed-text-v1.5")),
        "embedding", ("en",), "cpu", _hub("nomic-ai/nomic-embed-text-v1.5"),
        dimensions=(768, 512, 256, 128, 64), max_tokens=8192, licence="Apache-2.0", parameters=137_000_000,
        bytes=274_000_000,
    ),
    ModelFacts(
        "mxbai-embed-large-v1",
        ("ollama:mxbai-embed-large", *_torch("mixedbread-ai/mxbai-embed-large-v1")),
        "embedding", ("en",), "cpu", "https://mixedbread.com/docs/embeddings/mxbai-embed-large-v1",
        dimensions=(1024,), max_tokens=512, licence="Apache-2.0", bytes=670_000_000,
    ),
    ModelFacts(
        "all-MiniLM-L6-v2",
        ("builtin:all-minilm-l6-v2", "chroma:default", *_torch("sentence-transformers/all-MiniLM-L6-v2")),
        "embedding", ("en",), "cpu", _hub("sentence-transformers/all-MiniLM-L6-v2"),
        dimensions=(384,), max_tokens=256, licence="Apache-2.0", bytes=90_868_376,
    ),
    ModelFacts(
        "text-embedding-v4",
        ("dashscope:text-embedding-v4",),
        "embedding", _MANY, "service", _DASHSCOPE,
        dimensions=(1024, 2048, 1536, 768, 512, 256, 128, 64), max_tokens=8192, price=_dashscope(0.5),
    ),
    ModelFacts(
        "text-embedding-v3",
        ("dashscope:text-embedding-v3",),
        "embedding", _MANY, "service", _DASHSCOPE,
        dimensions=(1024, 768, 512, 256, 128, 64), max_tokens=8192, price=_dashscope(0.5),
    ),
    ModelFacts(
        "text-embedding-v1",
        ("dashscope:text-embedding-v1",),
        "embedding", _MANY, "service", _DASHSCOPE,
        dimensions=(1536,), max_tokens=2048, price=_dashscope(0.7),
        notes=(_better("text-embedding-v4"),),
    ),
    ModelFacts(
        "text-embedding-3-small",
        ("openai:text-embedding-3-small",),
        "embedding", _MANY, "service", f"{_OPENAI_MODELS}/text-embedding-3-small",
        dimensions=(1536,), max_tokens=8191, price=_openai("text-embedding-3-small", 0.02),
    ),
    ModelFacts(
        "text-embedding-3-large",
        ("openai:text-embedding-3-large",),
        "embedding", _MANY, "service", f"{_OPENAI_MODELS}/text-embedding-3-large",
        dimensions=(3072,), max_tokens=8191, price=_openai("text-embedding-3-large", 0.13),
    ),
    ModelFacts(
        "text-embedding-ada-002",
        ("openai:text-embedding-ada-002",),
        "embedding", _MANY, "service", f"{_OPENAI_MODELS}/text-embedding-ada-002",
        dimensions=(1536,), max_tokens=8191, price=_openai("text-embedding-ada-002", 0.1),
        notes=(_better("text-embedding-3-small"),),
    ),
    ModelFacts(
        "Doubao-embedding",
        ("openai:doubao-embedding-text-240715",),
        "embedding", ("zh", "en"), "service", "https://www.volcengine.com/docs/82379/1302003",
        max_tokens=4096,
        notes=(_address("https://ark.cn-beijing.volces.com/api/v3"),),
    ),
    ModelFacts(
        "Baichuan-Text-Embedding",
        ("openai:Baichuan-Text-Embedding",),
        "embedding", ("zh",), "service",
        "https://docs.langchain.com/oss/python/integrations/text_embedding/baichuan",
        dimensions=(1024,), max_tokens=512,
        notes=(_address("https://api.baichuan-ai.com/v1"),),
    ),
    ModelFacts(
        "CLIP ViT-B/32",
        ("clip:openai/clip-vit-base-patch32",),
        "multimodal", ("en",), "cpu", "https://github.com/openai/CLIP",
        dimensions=(512,), max_tokens=77, licence="MIT",
    ),
    ModelFacts(
        "BGE-VL-base",
        ("clip:BAAI/BGE-VL-base",),
        "multimodal", ("en",), "cpu", "https://bge-model.com/bge/bge_vl.html",
        licence="MIT", parameters=150_000_000, bytes=299_000_000,
        notes=(Notice("Its own code, for questions of a picture and a text together, is not run."),),
    ),
    ModelFacts(
        "qwen3-vl-embedding",
        ("dashscope:qwen3-vl-embedding",),
        "multimodal", _MANY, "service", _MULTIMODAL,
        dimensions=(2560, 2048, 1536, 1024, 768, 512, 256), max_tokens=32_000, price=_multimodal(0.1),
        notes=(_pictures_cost("0.258 USD"),),
    ),
    ModelFacts(
        "tongyi-embedding-vision-plus",
        ("dashscope:tongyi-embedding-vision-plus",),
        "multimodal", ("zh", "en"), "service", _MULTIMODAL,
        dimensions=(1152, 1024, 512, 256, 128, 64), max_tokens=1024, price=_multimodal(0.09),
    ),
    ModelFacts(
        "tongyi-embedding-vision-flash",
        ("dashscope:tongyi-embedding-vision-flash",),
        "multimodal", ("zh", "en"), "service", _MULTIMODAL,
        dimensions=(768, 512, 256, 128, 64), max_tokens=1024, price=_multimodal(0.09),
        notes=(_pictures_cost("0.03 USD"),),
    ),
    ModelFacts(
        "qwen2.5-vl-embedding",
        ("dashscope:qwen2.5-vl-embedding",),
        "multimodal", _MANY, "service", _MULTIMODAL_ZH,
        dimensions=(2048, 1024, 768, 512), max_tokens=32_000,
    ),
    ModelFacts(
        "multimodal-embedding-v1",
        ("dashscope:multimodal-embedding-v1",),
        "multimodal", ("zh", "en"), "service", _MULTIMODAL,
        dimensions=(1024,), max_tokens=512,
    ),
    ModelFacts(
        "Qwen2.5-Coder-1.5B-Instruct",
        ("builtin:qwen2.5-coder-1.5b",),
        "chat", ("en", "zh"), "cpu", _hub("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF"),
        licence="Apache-2.0", bytes=1_117_320_768,
        notes=(Notice("The default: it needs no key, no network and no graphics card."),),
    ),
    ModelFacts(
        "SmolLM2-135M-Instruct",
        ("builtin:smollm2-135m",),
        "chat", ("en",), "cpu", _hub("HuggingFaceTB/SmolLM2-135M-Instruct"),
        licence="Apache-2.0", bytes=98_362_432,
        notes=(Notice("For trying things out: fast, and wrong about most things."),),
    ),
    ModelFacts(
        "Qwen3 8B",
        ("ollama:qwen3:8b",),
        "chat", _MANY, "gpu", "https://ollama.com/library/qwen3",
    ),
    ModelFacts(
        "Qwen-Plus",
        ("dashscope:qwen-plus",),
        "chat", ("zh", "en"), "service", "https://www.alibabacloud.com/help/en/model-studio/models",
    ),
)  # fmt: skip
