"""How well something worked, drawn: never a rate without its number of rollouts and its interval."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from data_contracts.manifests import RateWithInterval
from data_contracts.skill_pack import Learning
from marketplace_ui.services.wording import interval_text, percent

if TYPE_CHECKING:
    import altair

PACK_COLOUR = "#2a9d8f"
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


def rates_html(rates: Mapping[str, RateWithInterval]) -> str:
    """Returns success rates with their intervals on one scale, a row per policy; the first is the pack's own."""
    rows = "".join(_rate_row(name, one, is_own=place == 0) for place, (name, one) in enumerate(rates.items()))
    scale = "".join(f'<span style="left:{tick}%">{tick}%</span>' for tick in (0, 25, 50, 75, 100))
    return f'<div class="dw-rates">{rows}<div class="dw-rates-scale dw-small dw-muted" aria-hidden="true">{scale}</div></div>'


def _rate_row(name: str, one: RateWithInterval, *, is_own: bool) -> str:
    counted = f"{percent(one.rate)} · {one.num_successes} of {one.num_rollouts}"
    interval = f"95% interval {interval_text(one.low, one.high)}"
    return (
        f'<div class="dw-rates-row{" dw-own" if is_own else ""}"><div><b>{escape(name)}</b>'
        f'<span class="dw-small"><b>{counted}</b> <span class="dw-muted">{interval}</span></span></div>'
        f'<div class="dw-bar" role="img" aria-label="{escape(name)}: {counted}, {interval}">'
        f'<span class="dw-range" style="left:{one.low:.1%};width:{one.high - one.low:.1%}"></span>'
        f'<span class="dw-dot" style="left:{one.rate:.1%}"></span></div></div>'
    )


def learning_chart(learning: Learning) -> altair.Chart:
    """Returns the loss on held-out episodes over steps; where none was held out, the first and last loss of training."""
    import altair

    points = learning.validation or ((0, learning.first_loss), (learning.num_steps, learning.final_loss))
    what = "Loss on held-out episodes" if learning.validation else "Training loss"
    rows = [{"step": step, "loss": loss} for step, loss in points]
    base = altair.Chart(altair.Data(values=rows)).encode(
        x=altair.X("step:Q", title="Training step"),
        y=altair.Y("loss:Q", title=what, scale=altair.Scale(zero=True)),
        tooltip=[altair.Tooltip("step:Q", title="Step"), altair.Tooltip("loss:Q", title="Loss", format=".3g")],
    )
    line = base.mark_line(strokeWidth=3, color=PACK_COLOUR, point=altair.OverlayMarkDef(size=70, color=PACK_COLOUR))
    return line.properties(height=210)
