"""Reads a .safetensors file: a JSON header, then raw tensors."""

import json
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_DTYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8"}


class SafetensorsFile:
    """The floating-point tensors of one file, mapped into memory."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            self._header = json.loads(file.read(size))
        self._raw = np.memmap(path, np.uint8, "r", offset=8 + size)

    def tensor(self, name: str) -> NDArray[np.float32]:
        """A tensor by its name, as float32."""
        entry = self._header[name]
        start, end = entry["data_offsets"]
        values = np.frombuffer(self._raw[start:end], _DTYPES[entry["dtype"]])
        return values.reshape(entry["shape"]).astype(np.float32)
