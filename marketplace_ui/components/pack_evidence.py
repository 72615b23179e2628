"""How well a pack works: its rate beside baselines, task by task."""

from __future__ import annotations

import streamlit as st

from marketplace_ui.components.evidence import rates_html
from marketplace_ui.components.tables import table_html
from marketplace_ui.services.offer_details import OWN, OfferDetails
from marketplace_ui.services.wording import baseline_name, interval_text, percent


def pack_evidence(details: OfferDetails) -> None:
    """Draws the rate, its baselines, and each task where there are several."""
    evaluation = details.pack.evaluation
    st.header("How well it works", anchor="evidence")
    rates = {"This pack": evaluation.policy} | {baseline_name(k): v for k, v in evaluation.baselines.items()}
    st.html(rates_html(rates))
    where = "in simulation; no real robot was measured" if evaluation.is_simulated else "on a robot"
    st.caption(
        f"Tried {where}, from {len(evaluation.seeds)} starting positions that no recording used. Every try counts."
    )
    if len(details.rates) > 1:
        _tasks(details)


def _tasks(details: OfferDetails) -> None:
    st.subheader("Task by task", anchor=False)
    rows = [
        (world, "This pack" if policy == OWN else baseline_name(policy), percent(rate.rate),
         f"{rate.num_successes} of {rate.num_rollouts}", interval_text(rate.low, rate.high))
        for world, policies in details.rates.items() for policy, rate in policies.items()
    ]  # fmt: skip
    st.html(table_html(("Task", "Policy", "Success", "Rollouts", "95% interval"), rows))
