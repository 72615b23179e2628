"""How skills are tested, signed and credited: what the numbers in this shop mean, and what they do not."""

from __future__ import annotations

import streamlit as st

PARAGRAPHS = {
    "Where skills come from": (
        "People record their robots at work and share the recordings. We check each episode, keep those that hold, and train "
        "a policy on them. Every pack names everyone whose recordings taught it, under which licence."
    ),
    "What a success rate means": (
        "Each pack is tried from starting positions that no recording used, and every try counts. The interval beside a rate "
        "is the 95% Wilson score interval: with few tries it is wide, and a good rate proves little. The shelf is sorted by its "
        "lower end. The tick shows what doing nothing achieves, because some tasks succeed by chance."
    ),
    "Simulation is not your kitchen table": (
        "Where a page says that a skill was evaluated in simulation, we have not measured it on a real robot. Do not count on the same rate there, "
        "and watch the failures on its page before you trust it near anything fragile."
    ),
    "What the signature proves": (
        "A pack is signed over every byte of every file. If you verify it with this shop's public key, nothing was changed, added "
        "or left out on the way to you. It does not prove that the policy is good; the evidence is for that."
    ),
    "Buying": "Packs cannot be bought here yet. Accounts, payment and downloads come later, and contributors will share in every sale.",
}


def page() -> None:
    st.title("How it works", anchor=False)
    for title, text in PARAGRAPHS.items():
        st.subheader(title, anchor=False)
        st.markdown(text, width=720)


page()
