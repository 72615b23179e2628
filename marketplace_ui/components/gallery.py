"""Recordings of rollouts: the first large, all of them labelled, failures beside successes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from data_contracts.skill_pack import SkillPack
from marketplace_ui.components.states import state
from marketplace_ui.services.offer_details import Recording
from marketplace_ui.services.wording import counted


def hero(pack: SkillPack, filmed: Sequence[Recording]) -> None:
    """Draws the first recording large: a success where there is one."""
    if not filmed:
        state("No recordings", "The evaluation of this version was not filmed.")
        return
    first = filmed[0]
    st.video(str(first.path), loop=True, autoplay=True, muted=True, alt=f"{pack.title}: {_outcome(first)}")
    where = "in simulation" if pack.evaluation.is_simulated else "on a robot"
    st.caption(f"{_outcome(first).capitalize()}, filmed {where}.")


def gallery(pack: SkillPack, filmed: Sequence[Recording]) -> None:
    """Draws every recording, a success and a failure in turn."""
    if not filmed:
        return
    st.header("Watch it try", anchor="recordings")
    st.caption(_shown_of(pack, filmed))
    with st.container(key="recordings"):
        for one in filmed:
            with st.container():
                st.video(str(one.path), muted=True, loop=True, alt=f"{pack.title}: {_outcome(one)}")
                with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                    if one.is_success:
                        st.badge("Success", icon=":material/check:", color="green")
                    else:
                        st.badge("Failure", icon=":material/close:", color="red")
                    if one.seed is not None:
                        st.caption(f"start {one.seed}", width="content")


def _outcome(one: Recording) -> str:
    return "a successful rollout" if one.is_success else "a failed rollout"


def _shown_of(pack: SkillPack, filmed: Sequence[Recording]) -> str:
    """Returns how many of how many are shown: a gallery is a choice."""
    rate = pack.evaluation.policy
    num_filmed = sum(one.is_success for one in filmed)
    num_failures = rate.num_rollouts - rate.num_successes
    failures = (
        f"{len(filmed) - num_filmed} of {counted(num_failures, 'failure')}" if num_failures else "there was no failure"
    )
    text = f"{num_filmed} of {counted(rate.num_successes, 'success')}".replace("successs", "successes")
    return f"Shown are {text} and {failures}. Failures say more about a policy than its successes." if num_failures else (
        f"Shown are {text}; {failures} in {rate.num_rollouts} rollouts."
    )  # fmt: skip
