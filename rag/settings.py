"""One frozen Settings object: RAG_* variables win over rag.toml, which wins over the defaults."""

import os
import re
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rag.documents import ChunkSize
from rag.errors import StoreError, UsageError

PROJECT_DIR = Path(__file__).resolve().parent.parent

KEY_OF_ADDRESS = {
    "openai_base_url": "openai_api_key",
    "dashscope_base_url": "dashscope_api_key",
    "reranker_url": "reranker_key",
}

_saving = threading.Lock()


def _checked_key(secret: SecretStr, info: ValidationInfo) -> SecretStr:
    """A key without the space around it. Raises UsageError: SDKs quote a key that no header can hold."""
    key = secret.get_secret_value().strip()
    if " " in key or not key.isprintable():
        raise UsageError(
            "The key in {setting} has a space or a control character in it. Copy the key again.",
            setting=_variable(str(info.field_name)),
        )
    return SecretStr(key)


def _checked_address(text: str, info: ValidationInfo) -> str | None:
    """An address without the space around it, None for an empty one. Raises UsageError.

    The error does not show the address, which may hold a password.
    """
    address = text.strip()
    if address and not _is_address(address, is_ollama := info.field_name == "ollama_host"):
        raise UsageError(
            "{setting} is not an address. Write it like {example}.",
            setting=_variable(str(info.field_name)),
            example="http://127.0.0.1:11434" if is_ollama else "https://example.com/v1",
        )
    return address or None


def _is_address(text: str, is_ollama: bool) -> bool:
    """Whether a request can be sent there; Ollama takes host:port and :port too."""
    if " " in text or not text.isprintable():
        return False
    try:
        url = urlsplit(f"http://{text}" if is_ollama and "://" not in text else text)
        named = bool(url.hostname or (is_ollama and url.port))
        return url.scheme in ("http", "https") and named and url.port != 0 and url.netloc[-1] != ":"
    except ValueError:
        return False


_DURATION = re.compile(r"-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+")


def _checked_duration(given: object, info: ValidationInfo) -> float | str | None:
    """A time as Ollama reads it: a number for seconds, else text with its units. Raises UsageError."""
    text = "" if given is None else str(given).strip()
    if re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII):
        return float(text)
    if text and not _DURATION.fullmatch(text):
        raise UsageError(
            "{setting} is not a time. Write it like 5m, 1h30m or 300 (seconds); 0 is at once, -1 for ever.",
            setting=_variable(str(info.field_name)),
        )
    return text or None


Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
Key = Annotated[SecretStr, AfterValidator(_checked_key)]
Address = Annotated[str, AfterValidator(_checked_address)]
Duration = Annotated[float | str | None, BeforeValidator(_checked_duration)]


def _vendor(name: str, vendor_name: str) -> Any:
    """A setting that the vendor's usual variable fills too; ours wins."""
    return Field(default=None, validation_alias=AliasChoices(f"RAG_{name.upper()}", vendor_name, name))


class Settings(BaseSettings):
    """Everything that can be set. Paths are absolute; times are seconds; sizes are what their names say."""

    model_config = SettingsConfigDict(
        env_prefix="RAG_",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    data_dir: Folder = PROJECT_DIR / "data" / "store"
    models_dir: Folder = PROJECT_DIR / "data" / "models"
    samples_dir: Folder = PROJECT_DIR / "data" / "samples"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8501
    language: Literal["auto", "en", "zh"] = "auto"

    edit_settings: bool | None = None

    embedder: str = "builtin:multilingual-e5-small"
    embedder_engine: Literal["auto", "openvino", "onnxruntime"] = "auto"
    chat_model: str | None = None
    reranker: str | None = None
    reranker_url: Address | None = None
    reranker_key: Key | None = None
    chroma: Literal["folder", "memory"] = "folder"
    chroma_url: str | None = None
    chroma_cloud_key: Key | None = None
    chroma_cloud_tenant: str | None = None
    chroma_cloud_database: str | None = None

    openai_api_key: Key | None = _vendor("openai_api_key", "OPENAI_API_KEY")
    openai_base_url: Address | None = _vendor("openai_base_url", "OPENAI_BASE_URL")
    dashscope_api_key: Key | None = _vendor("dashscope_api_key", "DASHSCOPE_API_KEY")
    dashscope_base_url: Address | None = None
    ollama_host: Address | None = _vendor("ollama_host", "OLLAMA_HOST")
    ollama_keep_alive: Duration = None
    hub_url: str | None = _vendor("hub_url", "HF_ENDPOINT")
    request_timeout: Annotated[float, Field(gt=0)] = 60.0

    chunk_tokens: Annotated[int, Field(ge=32)] = 256
    overlap_tokens: Annotated[int, Field(ge=0)] = 32
    top_k: Annotated[int, Field(ge=1, le=100)] = 5
    min_similarity: Annotated[float, Field(ge=-1, le=1)] | None = None

    max_file_mb: Annotated[int, Field(ge=1)] = 200
    max_pages: Annotated[int, Field(ge=1)] = 5000
    parse_timeout: Annotated[float, Field(gt=0)] = 120.0
    parse_memory_mb: Annotated[int, Field(ge=256)] = 2048

    @property
    def chunk_size(self) -> ChunkSize:
        """How long chunks are where nobody chose otherwise."""
        return ChunkSize(self.chunk_tokens, self.overlap_tokens)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, settings_file())


def settings_file() -> Path:
    """Where settings are read from and saved to."""
    return Path(os.environ.get("RAG_CONFIG") or "rag.toml").absolute()


def save_settings(values: Mapping[str, str | None]) -> Path:
    """Write settings to the file, for its owner's eyes only; None takes one out. Raises StoreError.

    What else stands in the file stays as it is, comments included; a link to it stays a link.
    """
    import tomlkit

    path = settings_file()
    try:
        with _saving:
            document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
            for name, value in values.items():
                if value is None:
                    document.pop(name, None)
                else:
                    document[name] = value
            _replace(path.resolve(), tomlkit.dumps(document))
    except (OSError, ValueError) as error:
        raise StoreError(
            "{path} cannot be written: {reason}. Check its permissions, or set RAG_CONFIG to another file.",
            path=path,
            reason=error,
        ) from error
    return path


def _replace(path: Path, text: str) -> None:
    """Put `text` in the place of a file at once, for its owner's eyes only. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def set_in_environment(name: str) -> str | None:
    """The variable of the environment, ours or the vendor's, that fills a key or an address, or None."""
    variables = (f"RAG_{name.upper()}", name.upper())
    return next((each for each, value in os.environ.items() if value and each.upper() in variables), None)


def load_settings(**overrides: Any) -> Settings:
    """Read the settings once. Raises UsageError naming each setting that is wrong."""
    if (named := os.environ.get("RAG_CONFIG")) and not Path(named).exists():
        raise UsageError("RAG_CONFIG names {path}, which does not exist. Correct or unset it.", path=named)
    try:
        return Settings(**overrides)
    except ValidationError as error:
        details = "; ".join(f"{_variable(str(item['loc'][0]))}: {item['msg']}" for item in error.errors())
        raise UsageError(
            "A setting is wrong: {details}. Correct the RAG_ variable or rag.toml.", details=details
        ) from error
    except ValueError as error:
        raise UsageError("rag.toml cannot be read: {reason}. Correct or remove it.", reason=error) from error


def _variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"RAG_{name.upper()}" if name.islower() else name
