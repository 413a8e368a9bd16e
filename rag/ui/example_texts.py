"""Texts to begin comparing with: each set a query, texts that belong to it, and some that do not."""

from typing import NamedTuple


class TextSet(NamedTuple):
    """A query and the texts to compare with it."""

    query: str
    texts: tuple[str, ...]


TEXT_SETS = {
    "zh": TextSet(
        "国际争端",
        (
            "联合国就苏丹达尔富尔地区大规模暴力事件发出警告",
            "土耳其、芬兰、瑞典与北约代表将继续就瑞典“入约”问题进行谈判",
            "日本岐阜市陆上自卫队射击场内发生枪击事件 3人受伤",
            "国家游泳中心（水立方）：恢复游泳、嬉水乐园等水上项目运营",
            "我国首次在空间站开展舱外辐射生物学暴露实验",
        ),
    ),
    "en": TextSet(
        "international disputes",
        (
            "Two neighbouring states take their quarrel over a river border to the court in The Hague",
            "Negotiators fail to agree on a ceasefire after a third round of talks",
            "The trade ministry answers new foreign tariffs with duties of its own",
            "The city's open-air pool reopens for the summer with a new water slide",
            "Astronomers photograph the birth of a star in a nearby galaxy",
        ),
    ),
}
