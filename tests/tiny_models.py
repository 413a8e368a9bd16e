"""Models of a few kilobytes with random weights, in the files that real ones come in."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    BertTokenizer,
    ChineseCLIPConfig,
    ChineseCLIPModel,
    CLIPConfig,
    CLIPModel,
    CLIPTokenizer,
)
from transformers.models.chinese_clip.image_processing_pil_chinese_clip import ChineseCLIPImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

DIMENSION = 24
POSITIONS = 128
_SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
_VISION = {**_SIZES, "image_size": 32, "patch_size": 8}
_IMAGES: dict[str, Any] = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}


def save_clip(folder: Path) -> Path:
    """A CLIP of DIMENSION dimensions that reads POSITIONS tokens, "cat" and "word" a token each."""
    letters = sorted(ByteLevel.alphabet())
    merges = [("c", "a"), ("ca", "t</w>"), ("w", "o"), ("r", "d</w>"), ("wo", "rd</w>")]
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    vocabulary = {piece: number for number, piece in enumerate([*pieces, "<|startoftext|>", "<|endoftext|>"])}
    begin, end = len(vocabulary) - 2, len(vocabulary) - 1
    text = {
        **_SIZES,
        "max_position_embeddings": POSITIONS,
        "vocab_size": len(vocabulary),
        "bos_token_id": begin,
        "eos_token_id": end,
        "pad_token_id": end,
    }
    torch.manual_seed(1)
    config = CLIPConfig(text_config=text, vision_config=_VISION, projection_dim=DIMENSION)
    CLIPModel(config).save_pretrained(folder)
    CLIPTokenizer(vocabulary, merges, model_max_length=POSITIONS).save_pretrained(folder)
    CLIPImageProcessorPil(**_IMAGES).save_pretrained(folder)
    return folder


def save_chinese_clip(folder: Path) -> Path:
    """A Chinese-CLIP of DIMENSION dimensions."""
    tokenizer = _bert_tokenizer()
    text = {**_SIZES, "max_position_embeddings": POSITIONS, "vocab_size": len(tokenizer)}
    torch.manual_seed(2)
    config = ChineseCLIPConfig(text_config=text, vision_config=_VISION, projection_dim=DIMENSION)
    ChineseCLIPModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    ChineseCLIPImageProcessorPil(**_IMAGES).save_pretrained(folder)
    return folder


def save_bert(folder: Path, *, pooling: str = "mean", prompts: dict[str, str] | None = None) -> Path:
    """A BERT of 32 dimensions as sentence-transformers writes it: its pooling and its prompts beside it."""
    tokenizer = _bert_tokenizer()
    torch.manual_seed(3)
    config = BertConfig(
        **_SIZES, max_position_embeddings=POSITIONS, vocab_size=len(tokenizer), initializer_range=0.5
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (path, kind) in enumerate(kinds.items())
    ]
    modes = {
        f"pooling_mode_{mode}": mode.startswith(pooling) for mode in ("cls_token", "mean_tokens", "lasttoken")
    }
    write_json(folder / "modules.json", modules)
    write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 32, **modes})
    if prompts:
        write_json(folder / "config_sentence_transformers.json", {"prompts": prompts})
    return folder


def save_cross_encoder(folder: Path, *, labels: int = 1) -> Path:
    """A BERT that gives a question and a text together `labels` numbers; it reads POSITIONS tokens."""
    tokenizer = _bert_tokenizer()
    torch.manual_seed(4)
    config = BertConfig(
        **_SIZES,
        max_position_embeddings=POSITIONS,
        vocab_size=len(tokenizer),
        initializer_range=0.5,
        num_labels=labels,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_json(path: Path, value: object) -> None:
    """Write `value` to `path`, whose folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def _bert_tokenizer() -> BertTokenizer:
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        ":",
        "cat",
        "dog",
        "query",
        "passage",
        "ask",
        "tell",
    ]
    words += ["a", "the", "is", "国", "际", "猫", "狗"]
    return BertTokenizer(
        {word: number for number, word in enumerate(words)}, do_lower_case=True, model_max_length=POSITIONS
    )
