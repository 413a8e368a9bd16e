"""How OpenAI, Ollama and DashScope write their answers, errors and vectors; pure."""

import base64
import json
import struct
from typing import Any


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def error(path: str, code: str, message: str, param: str | None = None) -> Any:
    if path.startswith("/v1/"):
        return {"error": {"message": message, "type": code, "code": code, "param": param}}
    if path.startswith("/api/v1/"):
        return {"code": code, "message": message, "request_id": "r"}
    return {"error": message}


def openai_line(text: str, finish: str | None) -> bytes:
    choice = {"index": 0, "delta": {"content": text} if finish is None else {}, "finish_reason": finish}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    return b"data: " + _dump(body) + b"\n\n"


def openai_whole(text: str) -> Any:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}


def ollama_line(text: str, finish: str | None) -> bytes:
    body = {"model": "m", "message": {"role": "assistant", "content": text}, "done": finish is not None}
    return _dump(body | ({"done_reason": finish} if finish else {})) + b"\n"


def ollama_whole(text: str) -> Any:
    return {
        "model": "m",
        "message": {"role": "assistant", "content": text},
        "done": True,
        "done_reason": "stop",
    }


def dashscope_line(text: str, finish: str | None) -> bytes:
    event = b"id:1\nevent:result\n:HTTP_STATUS/200\ndata:"
    return event + _dump(dashscope_whole(text, finish or "null")) + b"\n\n"


def dashscope_whole(text: str, finish: str = "stop") -> Any:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"output": {"choices": [choice]}, "usage": {"total_tokens": 1}, "request_id": "r"}


def openai_vectors(vectors: list[Any], body: Any) -> Any:
    def encoded(vector: Any) -> Any:
        if body.get("encoding_format") != "base64":
            return vector
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()

    data = [{"object": "embedding", "index": i, "embedding": encoded(v)} for i, v in enumerate(vectors)]
    return {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def ollama_vectors(vectors: list[Any], _: Any) -> Any:
    return {"model": "m", "embeddings": vectors}


def dashscope_vectors(vectors: list[Any], _: Any) -> Any:
    data = [{"text_index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    return {"output": {"embeddings": data}, "usage": {"total_tokens": 1}, "request_id": "r"}


def dashscope_multimodal_vectors(vectors: list[Any], body: Any) -> Any:
    kinds = ["text" if "text" in each else "image" for each in body["input"]["contents"]]
    rows = enumerate(zip(vectors, kinds, strict=False))
    data = [{"index": i, "embedding": vector, "type": kind} for i, (vector, kind) in rows]
    usage = {"input_tokens": 1, "image_count": kinds.count("image"), "image_tokens": 0}
    return {"output": {"embeddings": data}, "usage": usage, "request_id": "r"}


def spoiled(kind: str, vectors: list[Any]) -> list[Any]:
    """The vectors with what a fault of this kind does to them."""
    match kind:
        case "wrong count":
            return vectors[:-1]
        case "wrong dimension":
            return [vector[:-1] for vector in vectors]
        case "uneven":
            return [*vectors[:-1], vectors[-1][:-1]]
        case "nan":
            return [[float("nan"), *vectors[0][1:]], *vectors[1:]]
        case "null":
            return [None, *vectors[1:]]
        case "zero":
            return [[0.0 for _ in vectors[0]], *vectors[1:]]
        case "no vectors":
            return []
    return vectors


def renumbered(kind: str, reply: Any) -> Any:
    """A reply whose vectors come in another order, or with wrong numbers."""
    rows = reply["data"] if "data" in reply else reply["output"]["embeddings"]
    if kind == "shuffled":
        rows.reverse()
    elif kind == "misnumbered":
        for row in rows:
            row.update({name: 0 for name in ("index", "text_index") if name in row})
    return reply


def openai_scores(results: Any) -> Any:
    return {"id": "r", "model": "m", "results": results, "usage": {"total_tokens": 1}}


def dashscope_scores(results: Any) -> Any:
    return {"output": {"results": results}, "usage": {"total_tokens": 1}, "request_id": "r"}


def rerank_results(scores: list[float], fault: str) -> Any:
    """What a reranker tells of each text, the best first, with what a fault of this kind does to it."""
    rows: list[dict[str, Any]] = [{"index": i, "relevance_score": score} for i, score in enumerate(scores)]
    rows.sort(key=lambda row: -row["relevance_score"])
    match fault:
        case "wrong count":
            return rows[:-1]
        case "misnumbered":
            return [row | {"index": 0} for row in rows]
        case "nan":
            return [row | {"relevance_score": float("nan")} for row in rows]
        case "null":
            return [row | {"relevance_score": None} for row in rows]
        case "no list":
            return None
    return rows
