"""Plots of an evaluation: metrics with their intervals, each question's change, and runs over time."""

from collections.abc import Callable, Iterator, Sequence

import altair as alt

from rag.evaluation import METRICS, Comparison
from rag.evaluation.comparing import CHANGE_METRIC, Change
from rag.evaluation.systems import System
from rag.ui.text import t

METRIC_NAMES = {"ndcg@10": "nDCG@10", "recall@5": "Recall@5", "recall@10": "Recall@10", "mrr@10": "MRR@10"}
ROW = 24  # pixels of one system
AROUND = 96  # pixels of a plot's title and axis
QUESTION = 40  # characters of a question beside its bar
MOST_BARS = 40


def metric_plots(run: Comparison, names: Sequence[str]) -> Iterator[alt.LayerChart]:
    """For each metric a dot for each system's mean and a line for its 95 % interval.

    In one chart they would not keep to the width of the page.
    """
    base = alt.Chart().encode(
        y=alt.Y("system:N", title=None, sort=list(names), axis=alt.Axis(labelLimit=160, labelOverlap=False))
    )
    scale = alt.Scale(domain=[0, 1])
    lines = base.mark_rule(strokeWidth=3, opacity=0.5).encode(
        x=alt.X("low:Q", scale=scale, title=None),
        x2="high:Q",
        color=alt.Color("system:N", legend=None, sort=list(names)),
    )
    dots = base.mark_circle(size=90, opacity=1).encode(
        x=alt.X("mean:Q", scale=scale, title=None),
        color=alt.Color("system:N", legend=None, sort=list(names)),
        tooltip=[
            alt.Tooltip("system:N"),
            *(alt.Tooltip(f"{each}:Q", format=".3f") for each in ("mean", "low", "high")),
        ],
    )
    for metric in METRICS:
        rows = [
            {"system": name, "mean": result.mean(metric), "low": low, "high": high}
            for name, result in zip(names, run.systems, strict=True)
            for low, high in [result.interval(metric)]
        ]
        yield alt.LayerChart(
            data={"values": rows},
            layer=[lines, dots],
            title=METRIC_NAMES[metric],
            height=AROUND + ROW * len(names),
        )


def change_plot(changes: Sequence[Change]) -> alt.Chart:
    """A bar for each question that changed, to the right where it won; the largest changes only."""
    rows = [
        {
            "place": f"{number:03d}",
            "question": change.after.question,
            "label": f"{number + 1} · {change.after.question[:QUESTION]}",
            "change": change.by(CHANGE_METRIC),
            "won": change.by(CHANGE_METRIC) > 0,
        }
        for number, change in enumerate(changes[:MOST_BARS])
    ]
    plot: alt.Chart = (
        alt.Chart({"values": rows})
        .mark_bar()
        .encode(
            x=alt.X("change:Q", title=t("Change in nDCG@10"), scale=alt.Scale(domain=[-1, 1])),
            y=alt.Y(
                "label:N", title=None, sort=[str(row["label"]) for row in rows], axis=alt.Axis(labelLimit=160)
            ),
            color=alt.Color(
                "won:N", legend=None, scale=alt.Scale(domain=[True, False], range=["#2e9e5b", "#d1495b"])
            ),
            tooltip=[alt.Tooltip("question:N"), alt.Tooltip("change:Q", format="+.3f")],
        )
        .properties(height=max(60, ROW * len(rows)))
    )
    return plot


def time_plot(runs: Sequence[Comparison], name: Callable[[System, Comparison], str]) -> alt.Chart:
    """nDCG@10 of every run, a line for each system."""
    rows = [
        {"when": run.started_at, "system": name(each.system, run), "mean": each.mean(CHANGE_METRIC)}
        for run in runs
        for each in run.systems
    ]
    plot: alt.Chart = (
        alt.Chart({"values": rows})
        .mark_line(point=True)
        .encode(
            x=alt.X("when:T", title=None),
            y=alt.Y("mean:Q", title="nDCG@10", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color(
                "system:N", title=None, legend=alt.Legend(orient="bottom", columns=1, labelLimit=300)
            ),
            tooltip=[alt.Tooltip("when:T"), alt.Tooltip("system:N"), alt.Tooltip("mean:Q", format=".3f")],
        )
        .properties(height=240)
    )
    return plot
