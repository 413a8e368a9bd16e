"""All pairs of texts as a square of coloured cells that reads in a light and in a dark theme."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import streamlit as st

from rag.embedders.base import Vectors
from rag.ui.text import t

MOST_NUMBERED = 13  # rows whose cells have room for a number
LARGE_NUMBERED = 7  # rows whose numbers are as large as other text
MOST_NAMED = 40  # rows that have room for a name each
TOOLTIP_CHARACTERS = 200
LEAST_SPAN = 0.01  # of the colours: rounding alone gets none
_LIGHT_FROM = 0.6  # the share of the colours' range above which black is read better than white


def heat_map(
    matrix: Vectors, labels: Sequence[str], texts: Sequence[str], *, alike_is_high: bool, key: str
) -> None:
    """Draw `matrix` (n, n), whose rows are called `labels`; yellow is alike, blue is not.

    The colours span the pairs of different texts, which lie close together; a text with itself is yellow.
    """
    others = matrix[~np.eye(len(matrix), dtype=bool)]
    low, high = float(others.min()), float(others.max())
    if high - low < LEAST_SPAN:
        low, high = high - LEAST_SPAN / 2, high + LEAST_SPAN / 2
    chart = _chart(labels, texts, low, high, alike_is_high=alike_is_high)
    cells = _cells(matrix, labels, low, high, alike_is_high=alike_is_high)
    # Altair would check every cell by itself, for seconds: it is given their name alone.
    st.vega_lite_chart(chart.to_dict() | {"datasets": {"cells": cells}}, width="stretch", key=key)


def _chart(
    labels: Sequence[str], texts: Sequence[str], low: float, high: float, *, alike_is_high: bool
) -> alt.LayerChart:
    """Coloured cells, with their numbers where there is room."""
    pairs = _pairs(labels, texts)
    scale = alt.Scale(scheme="viridis", domain=[low, high], clamp=True, reverse=not alike_is_high)
    legend = alt.Legend(title=None, orient="bottom", format=".2f", gradientThickness=8, tickCount=4)
    layers = [pairs.mark_rect().encode(color=alt.Color("value:Q", legend=legend, scale=scale))]
    height = 380
    if len(labels) <= MOST_NUMBERED:
        height = 90 + 30 * len(labels)
        numbers = pairs.mark_text(fontSize=12 if len(labels) <= LARGE_NUMBERED else 9)
        ink = alt.Color("ink:N", scale=None, legend=None)
        layers.append(numbers.encode(text=alt.Text("value:Q", format=".2f"), color=ink))
    chart: alt.LayerChart = alt.LayerChart(
        data=alt.NamedData("cells"), layer=layers, height=height
    ).resolve_scale(color="independent")
    return chart


def _pairs(labels: Sequence[str], texts: Sequence[str]) -> alt.Chart:
    """Where the cells stand, and what is told of one that is pointed at."""
    axis = alt.Axis(title=None, labelAngle=0, ticks=False, domain=False, labels=len(labels) <= MOST_NAMED)
    names = _names(labels, texts)
    x = alt.X("column:N", sort=list(labels), axis=axis, scale=alt.Scale(padding=0))
    y = alt.Y("row:N", sort=list(labels), axis=axis, scale=alt.Scale(padding=0))
    told = [
        alt.Tooltip("row text:N", title=t("First text")),
        alt.Tooltip("column text:N", title=t("Second text")),
        alt.Tooltip("value:Q", title=t("Value"), format=".3f"),
    ]
    chart: alt.Chart = alt.Chart().encode(x=x, y=y, tooltip=told)
    for name in ("row", "column"):
        chart = chart.transform_lookup(name, alt.LookupData(names, "label", ["text"]), as_=[f"{name} text"])
    return chart


def _cells(
    matrix: Vectors, labels: Sequence[str], low: float, high: float, *, alike_is_high: bool
) -> dict[str, list[Any]]:
    """A column each for the cells' row, column, value and the ink that is read on their colour."""
    shares = ((matrix - low) / (high - low)).ravel()
    is_light = (shares if alike_is_high else 1 - shares) > _LIGHT_FROM
    return {
        "row": np.repeat(labels, len(labels)).tolist(),
        "column": np.tile(labels, len(labels)).tolist(),
        "value": matrix.astype(float).ravel().round(4).tolist(),
        "ink": np.where(is_light, "#000000", "#ffffff").tolist(),
    }


def _names(labels: Sequence[str], texts: Sequence[str]) -> alt.InlineData:
    named = zip(labels, texts, strict=True)
    return alt.InlineData(
        values=[{"label": label, "text": f"{label}: {_short(text)}"} for label, text in named]
    )


def _short(text: str) -> str:
    return text if len(text) <= TOOLTIP_CHARACTERS else text[:TOOLTIP_CHARACTERS] + " …"
