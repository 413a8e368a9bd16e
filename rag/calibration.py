"""What a cosine is worth for one model and collection: a question against texts it has nothing to do with.

Models spread their cosines differently: unrelated texts lie near 0.1 for one and near 0.8 for another, and
nearer where they share the question's language. As in the z-norm of speaker verification (Auckenthaler, Carey
& Lloyd-Thomas 2000, "Score normalization for text-independent speaker verification systems"), a question is
compared with a cohort: a sample of the collection's other documents and, where they are few, everyday
sentences. A passage's cosine is then read in standard deviations above the background of its own language.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")

SAMPLE = 256  # chunks of the collection
SENTENCES_WEIGHT = 30.0  # of all everyday sentences of a language together
FULL_WEIGHT_FROM = 200  # chunks; with fewer, which are often all about one thing, each counts less than 1
MIDPOINT, SLOPE = 5.4, 1.1  # fitted to the five nearest passages of nine question sets with two models
ACROSS = 0.5  # lower stands a passage that answers in another script than the question's; fitted to two sets
SPREAD = 1.4826  # standard deviations of a normal distribution in one median absolute deviation
UPPER_DECILE = 1.2816  # where a tenth of a normal distribution lies above, in standard deviations

COHORT = (  # as many in Chinese as in English, in this order
    "The bakery on the corner sells fresh bread and rolls from six in the morning.",
    "Turn the valve clockwise until the pressure gauge reads zero.",
    "She has played the violin in the city orchestra for eleven years.",
    "The invoice is due within thirty days of the date of delivery.",
    "Cats sleep for most of the day and hunt at dusk.",
    "The committee approved the minutes of the previous meeting.",
    "Heavy snow closed the mountain road for three days.",
    "Mix the flour with two eggs and a pinch of salt.",
    "The team lost the final after extra time and penalties.",
    "Enzymes speed up reactions without being used up themselves.",
    "Our holiday flat has a balcony with a view of the harbour.",
    "The novel tells of two sisters who grow up on a farm.",
    "Restart the computer after the installation has finished.",
    "The court dismissed the appeal for lack of evidence.",
    "Share prices fell sharply after the bank raised its rates.",
    "The museum shows pottery from the fifth century.",
    "街角的面包店早上六点开门，出售新鲜的面包。",
    "请顺时针转动阀门，直到压力表归零。",
    "她在市交响乐团拉了十一年小提琴。",
    "发票应在交货之日起三十天内付清。",
    "猫白天大部分时间都在睡觉，黄昏时出来捕食。",
    "委员会通过了上次会议的记录。",
    "大雪封住了山路，交通中断了三天。",
    "把面粉、两个鸡蛋和少许盐搅拌均匀。",
    "球队在加时赛后的点球大战中输掉了决赛。",
    "酶能加快化学反应，而自身并不被消耗。",
    "我们的度假公寓有一个能看到港口的阳台。",
    "这部小说讲述了两姐妹在农场长大的故事。",
    "安装完成后请重新启动计算机。",
    "法院以证据不足为由驳回了上诉。",
    "银行加息之后，股价大幅下跌。",
    "博物馆展出了公元五世纪的陶器。",
)


@dataclass(frozen=True, slots=True)
class Background:
    """A question's cosines to texts that do not answer it: their median and robust standard deviation.

    `reach` is the standard deviation by their upper decile alone. Models differ in how far the nearest of
    texts that do not answer come up, which is what a passage has to stand out from. Of passages at
    `midpoint`, in units of `reach` above the median, half answer.
    """

    median: float
    deviation: float
    reach: float
    midpoint: float = MIDPOINT

    def relevance(self, cosine: float) -> float:
        """How likely a passage with this cosine answers the question: in [0, 1], rising with the cosine."""
        height = (cosine - self.median) / self.reach
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, SLOPE * (height - self.midpoint)))))


@dataclass(frozen=True, slots=True)
class Sampled:
    """A chunk of the collection that stands for many: whether it is Chinese, and the document it is from."""

    chinese: bool
    document_id: str


class Backgrounds:
    """One question's backgrounds: `cohort` holds COHORT's vectors, `vectors` those of `sample`.

    Shapes of the vectors: (dimension,), (len(COHORT), dimension), (n, dimension); n may be 0.
    """

    def __init__(
        self,
        asked: str,
        question: NDArray[np.float32],
        cohort: NDArray[np.float32],
        vectors: NDArray[np.float32],
        sample: Sequence[Sampled],
    ) -> None:
        self._asks_in_chinese = bool(_CHINESE.search(asked))  # "transformers 怎么用"
        self._sentences = (cohort @ question).reshape(2, -1)
        self._chunks = vectors @ question
        self._chinese = np.array([each.chinese for each in sample], bool)
        self._documents = np.array([each.document_id for each in sample], str)

    def of(self, text: str, document_id: str) -> Background:
        """The background for a passage: texts in its script that are not from its document."""
        chinese = is_chinese(text)
        others = (self._chinese == chinese) & (self._documents != document_id)
        found = _background(self._sentences[int(chinese)], self._chunks[others])
        return found if chinese == self._asks_in_chinese else replace(found, midpoint=MIDPOINT - ACROSS)

    @property
    def deviation(self) -> float:
        """How far the model spreads the cosines of this question to texts of one script."""
        return min(
            _background(self._sentences[int(chinese)], self._chunks[self._chinese == chinese]).deviation
            for chinese in (False, True)
        )


def is_chinese(text: str) -> bool:
    """Whether a good part of a text's letters are Chinese characters; the lines of a table are none."""
    return len(_CHINESE.findall(text)) * 5 >= max(1, len(_LETTER.findall(text)))


def background(cosines: NDArray[np.float32], weights: NDArray[np.float64] | None = None) -> Background:
    """The background that these cosines make, shape (n,), n > 0; each counts 1 unless `weights` says more."""
    counted = np.ones(len(cosines)) if weights is None else weights
    median, upper = _quantiles(cosines, counted, 0.5, 0.9)
    (middle,) = _quantiles(np.abs(cosines - median), counted, 0.5)
    return Background(median, max(SPREAD * middle, 1e-6), max((upper - median) / UPPER_DECILE, 1e-6))


def _background(sentences: NDArray[np.float32], chunks: NDArray[np.float32]) -> Background:
    each_sentence, each_chunk = SENTENCES_WEIGHT / len(sentences), min(1.0, len(chunks) / FULL_WEIGHT_FROM)
    weights = np.repeat([each_sentence, each_chunk], [len(sentences), len(chunks)])
    return background(np.concatenate([sentences, chunks]), weights)


def _quantiles(
    values: NDArray[np.float32], weights: NDArray[np.float64], *shares: float
) -> tuple[float, ...]:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return tuple(float(values[order[np.searchsorted(reached, reached[-1] * share)]]) for share in shares)
