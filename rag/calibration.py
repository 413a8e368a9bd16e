"""What a cosine is worth for one model: a question against texts it has nothing to do with.

Models spread their cosines differently: unrelated texts lie near 0.1 for one and near 0.8 for another. As in
the z-norm of speaker verification (Auckenthaler, Carey & Lloyd-Thomas 2000, "Score normalization for
text-independent speaker verification systems"), each question is compared with a fixed cohort of everyday
sentences, and a passage's cosine is read in standard deviations above that background.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COHORT = (
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
    """Mean and standard deviation of a question's cosines to unrelated texts."""

    mean: float
    deviation: float


def background(question: NDArray[np.float32], cohort: NDArray[np.float32]) -> Background:
    """The background of a question: vectors of shape (dimension,) and (len(COHORT), dimension)."""
    cosines = cohort @ question
    return Background(float(cosines.mean()), max(float(cosines.std()), 1e-6))


# Fitted once on public question sets in two languages and with two models; see benchmarks/calibration.py.
MIDPOINT = 4.0  # standard deviations above the background at which a passage is as likely right as wrong
SLOPE = 1.0


def relevance(cosine: float, base: Background) -> float:
    """How likely a passage with this cosine is about the question: in [0, 1], rising with the cosine."""
    height = (cosine - base.mean) / base.deviation
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, SLOPE * (height - MIDPOINT)))))
