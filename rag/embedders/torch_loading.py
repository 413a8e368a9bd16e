"""Loading and running models on torch, with what goes wrong told as it is of every model."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from rag.embedders.hub_models import HubModel, find_model
from rag.errors import ProviderError, RagError

_Result = TypeVar("_Result")


def load_files(
    model_id: str,
    name: str,
    packages: Sequence[str],
    load: Callable[[HubModel], _Result],
    *,
    cache: Path,
    hub_url: str | None,
) -> _Result:
    """What `load` makes of the folder or hub's model `name`, downloaded if need be. Raises ProviderError."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ProviderError(
                "{model} needs the package {package}. In Passage's environment (.venv), run: "
                "pip install 'passage[sentence-transformers]'",
                model=model_id,
                package=package,
            )
    files = find_model(name, cache=cache, hub_url=hub_url)
    try:
        return load(files)
    except RagError:
        raise
    except Exception as error:  # a damaged folder shows in many ways
        raise ProviderError(
            "{model} cannot be loaded from {folder}: {reason}. Check that the folder is whole, or choose "
            "another model.",
            model=model_id,
            folder=files.folder,
            reason=f"{type(error).__name__}: {error}",
        ) from error


def on_torch(model_id: str, compute: Callable[[], _Result]) -> _Result:
    """What `compute` gives. Raises ProviderError."""
    try:
        return compute()
    except Exception as error:  # torch raises RuntimeError, and worse where memory ends
        raise ProviderError(
            "{model} does not run: {reason}. Close other programs if memory is short, or choose another "
            "model.",
            model=model_id,
            reason=f"{type(error).__name__}: {error}",
        ) from error
