"""Text recognition by RapidOCR: the text on the picture of a page, whichever way up it was scanned."""

import functools
import importlib.util
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.loaders.limits import THREADS
from rag.loaders.ocr_layout import Fragment, in_reading_order
from rag.loaders.pdf_text import Line

PACKAGES = ("rapidocr", "cv2", "onnxruntime")
INSTALL = "pip install 'passage[ocr]'"
LONGEST_SIDE = 2000  # pixels: what is larger is made smaller before text is looked for
TALL = 2.2  # a picture this much longer than wide is read in parts
NARROWEST = 1200  # pixels of the shorter side of such a picture
LEAST_CONFIDENCE = 0.5
# Upright lines are recognised with .9 and more, those upside down with .4 to .7.
SURE = 0.85
SAMPLE = 8
UPRIGHT_BOX = 1.5

Image = NDArray[np.uint8]  # (height, width, 3)
Boxes = NDArray[np.float32]  # (n, 4 corners clockwise from the upper left, x and y in pixels)


def is_available() -> bool:
    """Whether the packages of the extra "ocr" are installed."""
    return all(importlib.util.find_spec(name) for name in PACKAGES)


def recognised(image: Image) -> list[Line]:
    """The lines on a picture in reading order, in units of its pixels, turned upright if it is not."""
    lines: list[Line] = []
    for strip in _strips(image):
        below = lines[-1].base if lines else 0.0
        for line in in_reading_order(_fragments(strip)):
            base = line.base + below
            lines.append(Line(line.text, line.left, line.right, base, line.size, base))
    return lines


@functools.cache
def _engine() -> Any:
    """RapidOCR with the models of its own wheel, named by path so that nothing is ever fetched."""
    import cv2
    import rapidocr

    threads = min(THREADS, os.cpu_count() or 1)
    cv2.setNumThreads(threads)
    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.text_score": LEAST_CONFIDENCE,
            "Global.max_side_len": LONGEST_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "Rec.rec_batch_num": 1,  # lines that are read together are padded to the longest
        }
    )


def _strips(image: Image) -> Iterator[Image]:
    """The picture itself, or the parts of a long one, cut where its rows are emptiest."""
    height, width = image.shape[:2]
    if height <= TALL * width or height <= LONGEST_SIDE:
        yield image
        return
    most = max(LONGEST_SIDE, width)
    top = 0
    while height - top > most:
        ink = image[top + most * 3 // 4 : top + most].max(axis=2).astype(np.float32).std(axis=1)
        cut = top + most * 3 // 4 + int(ink.argmin())
        yield image[top:cut]
        top = cut
    yield image[top:]


def _fragments(image: Image) -> list[Fragment]:
    """What the recogniser reads on an image, with the places as they are when it is upright."""
    boxes = _boxes(image)
    if _lie_on_their_side(boxes):
        turned = np.ascontiguousarray(np.rot90(image))
        found = _boxes(turned)
        if not _lie_on_their_side(found):
            image, boxes = turned, found
    if not len(boxes):
        return []
    if _is_upside_down(image, boxes):
        image = np.ascontiguousarray(image[::-1, ::-1])
        size = np.array([image.shape[1], image.shape[0]], np.float32)
        boxes = (size - boxes)[:, [2, 3, 0, 1]]
    read = _read(image, boxes)
    places = _straightened(boxes)
    return [
        Fragment(text, *_bounds(place))
        for (text, confidence), place in zip(read, places, strict=True)
        if text.strip() and confidence >= LEAST_CONFIDENCE
    ]


def _boxes(image: Image) -> Boxes:
    found = _engine()(image, use_det=True, use_rec=False, use_cls=False).boxes
    return np.zeros((0, 4, 2), np.float32) if found is None else np.asarray(found, np.float32)


def _sides(boxes: Boxes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(widths, heights) of the boxes along their own edges."""
    widths = np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=1)
    heights = np.linalg.norm(boxes[:, 3] - boxes[:, 0], axis=1)
    return widths, heights


def _lie_on_their_side(boxes: Boxes) -> bool:
    """Whether most of the lines, by their lengths, stand upright: the page is turned by a quarter."""
    widths, heights = _sides(boxes)
    standing = heights > UPRIGHT_BOX * widths
    lying = widths > UPRIGHT_BOX * heights
    return float(heights[standing].sum()) > float(widths[lying].sum())


def _is_upside_down(image: Image, boxes: Boxes) -> bool:
    """Whether the longest lines are read better the other way up."""
    widths, heights = _sides(boxes)
    sample = boxes[np.argsort(-widths / np.maximum(heights, 1))[:SAMPLE]]
    crops = [_crop(image, box) for box in sample]
    upright = _confidence(crops)
    if upright >= SURE:
        return False
    return _confidence([np.ascontiguousarray(crop[::-1, ::-1]) for crop in crops]) > upright


def _confidence(crops: Sequence[Image]) -> float:
    """The mean confidence per letter."""
    read = _texts(crops)
    letters = [max(1, len(text)) for text, _ in read]
    return sum(score * count for (_, score), count in zip(read, letters, strict=True)) / sum(letters)


def _read(image: Image, boxes: Boxes) -> list[tuple[str, float]]:
    """(text, confidence) of each box; one that stands upright is read in whichever way is read best."""
    crops = [_crop(image, box) for box in boxes]
    read = _texts(crops)
    standing = [place for place, crop in enumerate(crops) if crop.shape[0] > UPRIGHT_BOX * crop.shape[1]]
    for quarters in (1, 3):
        turned = _texts([np.ascontiguousarray(np.rot90(crops[place], quarters)) for place in standing])
        for place, other in zip(standing, turned, strict=True):
            read[place] = max(read[place], other, key=lambda each: each[1])
    return read


def _texts(crops: Sequence[Image]) -> list[tuple[str, float]]:
    if not crops:
        return []
    result = _engine().recognize_txt(list(crops))
    return list(zip(result.txts, map(float, result.scores), strict=True))


def _crop(image: Image, box: Boxes) -> Image:
    """What is inside a box, its slanted edges made straight."""
    import cv2

    width = max(1, round(max(np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[3] - box[2]))))
    height = max(1, round(max(np.linalg.norm(box[0] - box[3]), np.linalg.norm(box[1] - box[2]))))
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(box.astype(np.float32), corners)
    crop: Image = cv2.warpPerspective(
        image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC
    )
    return crop


def _straightened(boxes: Boxes) -> Boxes:
    """The boxes turned about the origin so that the lines of a skewed page lie level."""
    widths, heights = _sides(boxes)
    across = boxes[:, 1] - boxes[:, 0]
    long = widths > 3 * heights
    if not long.any():
        return boxes
    angle = float(np.median(np.arctan2(across[long, 1], across[long, 0])))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    return boxes @ turn


def _bounds(box: Boxes) -> tuple[float, float, float, float]:
    """(left, top, right, bottom)"""
    left, top = box.min(axis=0)
    right, bottom = box.max(axis=0)
    return float(left), float(top), float(right), float(bottom)
