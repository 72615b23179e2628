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
    "Does it run on your robot?": (
        "Each page compares the pack with files that LeRobot already wrote for your robot: joints and their order, units, calibration, "
        "ranges, cameras by what they show, rate, memory. The answer stands line by line with its reason. What is not known is never "
        "taken for fitting."
    ),
    "Buying, giving back": (
        "What you buy is in your library: the pack, a licence file that verifies offline, and every update of its major version. You can "
        "give it back yourself for as long as its page says; downloads end then, and what runs on a robot goes on running."
    ),
    "Who gets the money": (
        "Every sale is divided, to the last cent, between the shop and everyone whose recordings taught that version, by how many of their "
        "frames it learnt from. Shares of people who have no account here yet wait for them."
    ),
    "Recalls": (
        "When a version turns out to be unsafe it is recalled: it is not handed out any more, and its page says since when and why."
    ),
}


def page() -> None:
    st.title("How it works", anchor=False)
    for title, text in PARAGRAPHS.items():
        st.subheader(title, anchor=False)
        st.markdown(text, width=720)


page()
