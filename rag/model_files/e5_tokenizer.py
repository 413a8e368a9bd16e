"""Writes multilingual-e5-small's vocabulary as an ordinary tokenizer.json and as a SentencePiece model."""

from pathlib import Path
from typing import Any

from rag.model_files.e5_file import Vocabulary

_REMOVED = "[\\x{1}-\\x{8}\\x{B}\\x{E}-\\x{1F}\\x{7F}\\x{8F}\\x{9F}]"
_SPACES = (
    "[\\x{9}\\x{A}\\x{C}\\x{D}\\x{A0}\\x{1680}\\x{2000}-\\x{200F}\\x{2028}\\x{2029}\\x{202F}\\x{205F}"
    "\\x{2581}\\x{3000}\\x{FEFF}\\x{FFFD}]"
)
_WAVE, _STAND_IN = "\uff5e", "\ufdd0"
_NEVER = -1000.0


def write_tokenizer(folder: Path, vocabulary: Vocabulary) -> None:
    """Write tokenizer.json, and the same as tokenizer.model with its normalizer.json, to `folder`.

    The model was trained behind SentencePiece's nmt_nfkc: NFKC that keeps the full-width wave dash, after
    control characters are dropped and everything like a space has become one.
    """
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram, WordLevel

    begin, end = (vocabulary.pieces[number][0] for number in (vocabulary.bos, vocabulary.eos))
    controls = [
        vocabulary.pieces[number][0]
        for number in (vocabulary.bos, vocabulary.pad, vocabulary.eos, vocabulary.unknown)
    ]
    pieces = [
        (piece, _NEVER if piece in controls or piece == "<mask>" else score)
        for piece, score in vocabulary.pieces
    ]
    tokenizer = Tokenizer(Unigram(pieces, vocabulary.unknown, False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_REMOVED), ""),
            normalizers.Replace(Regex(_SPACES), " "),
            normalizers.Replace(_WAVE, _STAND_IN),
            normalizers.NFKC(),
            normalizers.Replace(_STAND_IN, _WAVE),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", "always", False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(begin, vocabulary.bos), (end, vocabulary.eos)]
    )
    tokenizer.add_special_tokens([*controls, "<mask>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    alone = Tokenizer(WordLevel({}, ""))
    alone.normalizer = tokenizer.normalizer
    alone.save(str(folder / "normalizer.json"))
    _write_sentencepiece(folder / "tokenizer.model", pieces, vocabulary)


def _write_sentencepiece(path: Path, pieces: list[tuple[str, float]], vocabulary: Vocabulary) -> None:
    """The pieces under the same ids; the text is normalised before it gets there."""
    from sentencepiece import sentencepiece_model_pb2 as schema

    model: Any = schema.ModelProto()
    kinds = model.SentencePiece
    for number, (text, score) in enumerate(pieces):
        kind = kinds.CONTROL if score == _NEVER else kinds.NORMAL
        if number == vocabulary.unknown:
            kind = kinds.UNKNOWN
        model.pieces.add(piece=text, score=score, type=kind)
    trainer, normalizer = model.trainer_spec, model.normalizer_spec
    trainer.model_type = trainer.UNIGRAM
    trainer.bos_id, trainer.eos_id = vocabulary.bos, vocabulary.eos
    trainer.pad_id, trainer.unk_id = vocabulary.pad, vocabulary.unknown
    normalizer.add_dummy_prefix = normalizer.escape_whitespaces = True
    normalizer.remove_extra_whitespaces = False
    path.write_bytes(model.SerializeToString())
