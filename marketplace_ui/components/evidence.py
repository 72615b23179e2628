"""How well something worked, drawn: never a rate without its number of rollouts and its interval."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from data_contracts.manifests import RateWithInterval
from data_contracts.skill_pack import Learning
from marketplace_ui.services.wording import interval_text, percent

if TYPE_CHECKING:
    import altair

PACK_COLOUR = "#2a9d8f"
BASELINE_COLOUR = "#9a9f9b"
SIMULATED = "Evaluated in simulation"


def rate_html(num_successes: int, num_rollouts: int, low: float, high: float, baseline_rate: float) -> str:
    """Returns the rate, its interval and a bar: the dot is the rate, the band the interval, the tick the baseline."""
    rate = num_successes / num_rollouts if num_rollouts else 0.0
    spoken = (
        f"{percent(rate)} success in {num_rollouts} rollouts, 95% interval {interval_text(low, high)}, "
        f"doing nothing {percent(baseline_rate)}"
    )
    return (
        f'<div class="dw-rate"><b>{percent(rate)}</b>'
        f'<span class="dw-small dw-muted">{num_successes} of {num_rollouts} rollouts · 95% interval {interval_text(low, high)}</span></div>'
        f'<div class="dw-bar" role="img" aria-label="{escape(spoken)}">'
        f'<span class="dw-range" style="left:{low:.1%};width:{high - low:.1%}"></span>'
        f'<span class="dw-tick" style="left:{baseline_rate:.1%}"></span>'
        f'<span class="dw-dot" style="left:{rate:.1%}"></span></div>'
    )


def headline_html(one: RateWithInterval) -> str:
    """Returns the rate in large figures, with what it rests on."""
    return (
        f'<div class="dw-headline"><b>{percent(one.rate)}</b> <span>success, {one.num_successes} of {one.num_rollouts} rollouts'
        f'<br><span class="dw-muted">95% interval {interval_text(one.low, one.high)}</span></span></div>'
    )


def legend_html() -> str:
    """Returns what the parts of the bar mean."""
    parts = {"dw-dot": "success rate", "dw-range": "95% interval", "dw-tick": "doing nothing"}
    items = "".join(f'<span><span class="{name}"></span>{text}</span>' for name, text in parts.items())
    return f'<div class="dw-legend dw-small dw-muted">{items}</div>'


def success_chart(rates: dict[str, RateWithInterval]) -> altair.LayerChart:
    """Returns a chart of success rates with their intervals, one row per policy; the first is the pack's own."""
    import altair

    names = list(rates)
    rows = [
        {
            "policy": name, "rate": one.rate, "low": one.low, "high": one.high,
            "shown": f"{percent(one.rate)} · {one.num_successes} of {one.num_rollouts}",
        }
        for name, one in rates.items()
    ]  # fmt: skip
    base = altair.Chart(altair.Data(values=rows)).encode(
        y=altair.Y("policy:N", sort=names, title=None, axis=altair.Axis(labelLimit=160, ticks=False, domain=False, labelFontSize=13)),
        color=altair.Color("policy:N", sort=names, legend=None, scale=altair.Scale(
            domain=names, range=[PACK_COLOUR, *[BASELINE_COLOUR] * (len(names) - 1)]
        )),
        tooltip=[
            altair.Tooltip("policy:N", title="Policy"), altair.Tooltip("shown:N", title="Successes"),
            altair.Tooltip("low:Q", title="Lower end", format=".0%"), altair.Tooltip("high:Q", title="Upper end", format=".0%"),
        ],
    )  # fmt: skip
    scale, axis = altair.Scale(domain=[0, 1]), altair.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
    interval = base.mark_rule(strokeWidth=7, opacity=0.4, strokeCap="round").encode(
        x=altair.X("low:Q", scale=scale, axis=axis, title="Success rate, 95% interval"), x2="high:Q"
    )
    point = base.mark_circle(size=170, opacity=1).encode(x=altair.X("rate:Q", scale=scale))
    # The words start at the lower end or stop at the upper end, whichever keeps them inside the chart.
    words = base.mark_text(dy=-17, fontSize=13, fontWeight=600, align="left").encode(
        x=altair.X("low:Q", scale=scale), text="shown:N"
    )
    words_left = words.transform_filter("datum.low < 0.5")
    words_right = words.mark_text(dy=-17, fontSize=13, fontWeight=600, align="right").encode(
        x=altair.X("high:Q", scale=scale)
    )
    return (interval + point + words_left + words_right.transform_filter("datum.low >= 0.5")).properties(
        height=72 * len(names) + 20
    )


def learning_chart(learning: Learning) -> altair.Chart:
    """Returns the loss on held-out episodes over steps; where none was held out, the first and last loss of training."""
    import altair

    points = learning.validation or ((0, learning.first_loss), (learning.num_steps, learning.final_loss))
    what = "Loss on held-out episodes" if learning.validation else "Training loss, first and last"
    rows = [{"step": step, "loss": loss} for step, loss in points]
    base = altair.Chart(altair.Data(values=rows)).encode(
        x=altair.X("step:Q", title="Training step"),
        y=altair.Y("loss:Q", title=what, scale=altair.Scale(zero=True)),
        tooltip=[altair.Tooltip("step:Q", title="Step"), altair.Tooltip("loss:Q", title="Loss", format=".3g")],
    )
    line = base.mark_line(strokeWidth=3, color=PACK_COLOUR, point=altair.OverlayMarkDef(size=70, color=PACK_COLOUR))
    return line.properties(height=210)
