"""Passage: ask questions of your own documents and see the passages every answer rests on."""

import os

# At its import onnxruntime, which several packages load, else leaves a telemetry database in the home folder.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
