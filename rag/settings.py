"""One frozen Settings object: RAG_* variables win over rag.toml, which wins over the defaults."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rag.errors import StoreError, UsageError

PROJECT_DIR = Path(__file__).resolve().parent.parent

Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


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
    chroma_url: str | None = None

    openai_api_key: SecretStr | None = _vendor("openai_api_key", "OPENAI_API_KEY")
    openai_base_url: str | None = _vendor("openai_base_url", "OPENAI_BASE_URL")
    dashscope_api_key: SecretStr | None = _vendor("dashscope_api_key", "DASHSCOPE_API_KEY")
    dashscope_base_url: str | None = None
    ollama_host: str | None = _vendor("ollama_host", "OLLAMA_HOST")
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

    What else stands in the file stays as it is, comments included.
    """
    import tomlkit

    path = settings_file()
    try:
        document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
        for name, value in values.items():
            if value is None:
                document.pop(name, None)
            else:
                document[name] = value
        beside = path.with_name(f".{path.name}.new")
        beside.unlink(missing_ok=True)
        with os.fdopen(
            os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(tomlkit.dumps(document))
        beside.replace(path)
    except (OSError, ValueError) as error:
        raise StoreError(
            "{path} cannot be written: {reason}. Check its permissions, or set RAG_CONFIG to another file.",
            path=path,
            reason=error,
        ) from error
    return path


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
