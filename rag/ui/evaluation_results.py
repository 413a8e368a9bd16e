"""Ways of searching compared on the page: what to run, the figures, and the questions that changed."""

from collections.abc import Mapping
from datetime import datetime

import streamlit as st
from babel.dates import format_datetime, get_timezone

from rag.evaluation import METRICS, Comparison, SystemResult, changes, difference, saved, systems
from rag.evaluation.comparing import CHANGE_METRIC, Change, Outcome
from rag.evaluation.systems import System
from rag.rerankers import NO_RERANKER
from rag.retrieval.reranking import RERANKED
from rag.retrieval.side_by_side import MODES
from rag.ui.evaluation_plots import METRIC_NAMES, change_plot, metric_plots, time_plot
from rag.ui.markdown import plain
from rag.ui.models import embedder_choices
from rag.ui.search_cards import mode_name
from rag.ui.session import collection, engine, evaluations
from rag.ui.switching import tell_where_text_goes
from rag.ui.text import language, t, tell, tn
from rag.whereabouts import reranked_by

SIZES = (64, 128, 256, 384, 512)
CHANGES_SHOWN = 20


def results(*, is_busy: bool) -> None:
    """What to compare, then the run that is chosen."""
    judged = sum(each.is_judged for each in engine().catalog.questions.all(collection().id))
    runs = saved(engine().catalog, collection())
    if judged:
        _run(judged, is_busy=is_busy, is_open=not runs)
    else:
        st.info(
            t("No question has a known answer yet. Judge some passages, or have questions made."),
            icon=":material/info:",
        )
    if runs:
        _saved(runs)


def _run(judged: int, *, is_busy: bool, is_open: bool) -> None:
    with st.expander(t("New run"), icon=":material/play_circle:", expanded=is_open):
        modes = st.pills(
            t("Ways of searching"), MODES, format_func=mode_name, selection_mode="multi", default=MODES
        )
        own = collection().fingerprint.id
        most = engine().preflight.most_tokens(collection())
        others = [each for each in embedder_choices() if each != own]
        embedders = st.multiselect(
            t("Other models as well"), others, key="evaluate-embedders", placeholder=t("Choose a model")
        )
        for embedder in embedders:
            tell_where_text_goes(embedder)
        sizes = st.multiselect(
            t("Other sizes of passages as well, in tokens"),
            [size for size in SIZES if most is None or size <= most],
            key="evaluate-sizes",
            placeholder=t("Choose sizes"),
            help=t("The documents are read and cut again for this run. It takes as long as adding them."),
        )
        if embedders or sizes:
            st.caption(t("For other models and sizes an index is built, which is removed after the run."))
        rerankers = _rerankers()
        chosen = systems(modes, [own, *embedders], [None, *sizes], rerankers) if modes else ()
        label = tn("Ask one question", "Ask {n} questions", judged)
        if st.button(label, type="primary", icon=":material/play_arrow:", disabled=is_busy or not chosen):
            evaluations().run(collection(), chosen)
            st.rerun()


def _rerankers() -> list[str]:
    """Without a reranker, and with the one of the settings."""
    reranker = engine().models.reranker_id
    if reranker is None:
        return [NO_RERANKER]
    also = st.toggle(
        t("Compare with reranking as well"),
        value=True,
        key="evaluate-reranker",
        help=t("{model} reads the best {n} together with the question.", model=reranker, n=RERANKED),
    )
    if also and (told := reranked_by(engine().models)):
        st.caption(f":material/public: {plain(tell(told))}")
    return [NO_RERANKER, reranker] if also else [NO_RERANKER]


def _saved(runs: Mapping[str, Comparison]) -> None:
    if st.session_state.get("evaluation-run") not in runs:  # removed, or of another collection
        st.session_state.pop("evaluation-run", None)
    chosen = st.selectbox(
        t("Run"), list(runs), format_func=lambda key: _when(runs[key]), key="evaluation-run"
    )
    run = runs[chosen]
    base, name = _base(runs, chosen)
    _notices(run)
    _table(run, base)
    for plot in metric_plots(run, _names(run)):
        st.altair_chart(plot, width="stretch")
    st.caption(_explained())
    _changed(run, base, name)
    if len(runs) > 1:
        st.subheader(t("Over time"), anchor=False)
        st.altair_chart(time_plot(list(runs.values()), _name), width="stretch")
        st.caption(t("Judging more, or adding questions and documents, changes the figures too."))
    with st.popover(t("Remove this run"), icon=":material/delete:", type="tertiary"):
        st.markdown(t("Its figures are gone then; the questions stay."))
        if st.button(t("Remove"), type="primary", key="remove-run"):
            engine().catalog.questions.remove_evaluation(chosen)
            st.rerun()


def _base(runs: Mapping[str, Comparison], chosen: str) -> tuple[SystemResult, str]:
    """What all is compared with: a system of this run, or of an earlier one."""
    keys = [(key, place) for key, run in runs.items() for place in range(len(run.systems))]
    own = [key for key in keys if key[0] == chosen]

    def named(key: tuple[str, int]) -> str:
        run = runs[key[0]]
        name = _name(run.systems[key[1]].system, run)
        return name if key[0] == chosen else f"{name} · {_when(run)}"

    picked = st.selectbox(
        t("Compared with"),
        [*own, *(key for key in keys if key[0] != chosen)],
        format_func=named,
        key=f"evaluation-base-{chosen}",
    )
    return runs[picked[0]].systems[picked[1]], named(picked)


def _notices(run: Comparison) -> None:
    for notice in run.notices:
        st.caption(f":material/info: {plain(tell(notice))}")
    for result in run.systems:
        for notice, times in result.notices:
            told = tell(notice) if times == 1 else f"{times} × {tell(notice)}"
            st.caption(f":material/warning: {plain(f'{_name(result.system, run)}: {told}')}")


def _table(run: Comparison, base: SystemResult) -> None:
    rows = run.systems
    st.table(
        {
            t("Way of searching"): [plain(_name(each.system, run)) for each in rows],
            t("Difference in nDCG@10"): [_difference(base, each) for each in rows],
            **{METRIC_NAMES[metric]: [_figure(each, metric) for each in rows] for metric in METRICS},
        },
        hide_index=True,
    )
    st.caption(
        tn("One question", "{n} questions", len(rows[0].outcomes))
        + " · "
        + t(
            "In brackets: between what the figure lies with 95 % confidence, were other questions of this "
            "kind asked. A difference whose brackets hold 0 may be chance."
        )
    )


def _figure(result: SystemResult, metric: str) -> str:
    low, high = result.interval(metric)
    return f"{result.mean(metric):.3f} ({low:.2f}–{high:.2f})"


def _difference(base: SystemResult, result: SystemResult) -> str:
    if result is base:
        return "–"
    found = difference(base, result, CHANGE_METRIC)
    if found is None:
        return t("no question in common")
    text = f"{found.mean:+.3f} ({found.low:+.2f} … {found.high:+.2f})"
    if not found.is_shown:
        return plain(text)
    return f":{'green' if found.mean > 0 else 'red'}[{plain(text)}]"


def _explained() -> str:
    return " ".join(
        (
            t("**nDCG@10**: how near the top the relevant passages stand among the first ten; 1 is perfect."),
            t("**Recall@5, @10**: the share of the relevant passages among the first 5 or 10."),
            t("**MRR@10**: 1 divided by the rank of the first relevant passage, 0 beyond the first ten."),
        )
    )


def _changed(run: Comparison, base: SystemResult, base_name: str) -> None:
    """The questions that one system answers better than another, as a plot and one by one."""
    others = [each for each in run.systems if each is not base]
    if not others:
        return
    st.subheader(t("Questions that changed"), anchor=False)
    names = {_name(each.system, run): each for each in others}
    chosen = st.selectbox(
        t("From {base} to", base=base_name), list(names), key=f"changed-{run.started_at}-{base_name}"
    )
    found = changes(base, names[chosen])
    won = sum(each.by(CHANGE_METRIC) > 0 for each in found)
    if not found:
        st.caption(t("Every question is answered as well as before."))
        return
    st.caption(
        tn("one question won", "{n} questions won", won)
        + " · "
        + tn("one question lost", "{n} questions lost", len(found) - won)
    )
    st.altair_chart(change_plot(found), width="stretch")
    for number, change in enumerate(found[:CHANGES_SHOWN]):
        _change(number, change, base_name, chosen)
    if len(found) > CHANGES_SHOWN:
        st.caption(t("Shown are the {n} largest changes.", n=CHANGES_SHOWN))


def _change(number: int, change: Change, base_name: str, name: str) -> None:
    by = change.by(CHANGE_METRIC)
    icon = ":material/trending_up:" if by > 0 else ":material/trending_down:"
    with st.expander(f"{by:+.2f} · {plain(change.after.question)}", icon=icon, key=f"change-{number}"):
        for column, outcome, title in zip(
            st.columns(2), (change.before, change.after), (base_name, name), strict=True
        ):
            with column:
                st.markdown(f"**{plain(title)}** · nDCG@10 {outcome.metrics[CHANGE_METRIC]:.2f}")
                _found(outcome)


def _found(outcome: Outcome) -> None:
    if not outcome.found:
        st.caption(t("Nothing was found this way."))
    for rank, each in enumerate(outcome.found, 1):
        badge = f" :green-badge[{t('relevant')}]" if each.grade else ""
        place = f" · {t('page {page}', page=each.page)}" if each.page else ""
        st.markdown(f"{rank} · {plain(each.name)}{plain(place)}{badge}")
        st.caption(plain(each.text))


def _when(run: Comparison) -> str:
    moment = datetime.fromisoformat(run.started_at)
    return str(format_datetime(moment, "medium", tzinfo=get_timezone(), locale=language()))


def _names(run: Comparison) -> list[str]:
    return [_name(each.system, run) for each in run.systems]


def _name(system: System, run: Comparison) -> str:
    """A system as people call it beside the others of its run."""
    parts = [mode_name(system.mode)]
    if len({each.system.embedder for each in run.systems}) > 1:
        parts.append(system.embedder)
    if system.chunk_tokens is not None:
        parts.append(t("{n} tokens", n=system.chunk_tokens))
    if system.reranker != NO_RERANKER:
        parts.append(t("reranked"))
    return " · ".join(parts)
