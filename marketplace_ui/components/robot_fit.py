"""Does it run on my robot? Uploads, a few questions, and the check's answer line by line."""

from __future__ import annotations

from html import escape
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import streamlit as st

from data_contracts.catalogue import CAMERA_ROLES
from marketplace_ui.components.plain_text import plain
from marketplace_ui.components.states import said
from marketplace_ui.components.tables import code, facts_html
from marketplace_ui.services.robot_fit import UNITS, Computer, Files, fit_of, profile_of

if TYPE_CHECKING:
    from data_contracts.robot_profile import RobotProfile
    from skill_packs.fit import Fit, Item, RobotMapping

MOST_MB = 16
NOT_SAID = "not said"
MARKS = {"ok": "✓", "mapped": "⇄", "warning": "!", "unknown": "?", "fails": "✕"}
SAID = {
    "ok": "fits",
    "mapped": "fits with the mapping",
    "warning": "warning",
    "unknown": "not known",
    "fails": "does not fit",
}
ANSWERS = {"runs": "Runs", "runs_with_mapping": "Runs with this mapping", "does_not_run": "Does not run"}


@st.fragment
def robot_fit(pack: Path) -> None:
    """Draws the check for a pack; a visitor needs no account, and nothing that they upload is kept."""
    st.header("Does it run on my robot?", anchor="fit")
    st.caption(
        "Give files that LeRobot already wrote for your robot. They are compared here, line by line, and not kept. A name alone never "
        "makes a robot compatible."
    )
    info, statistics, calibration = _uploads()
    if info is None:
        return
    with said():
        _checked(pack, Files(info, statistics, calibration))


def _uploads() -> tuple[bytes | None, ...]:
    asked = {
        "info": ("meta/info.json of a recording", ["json"], "Of any dataset that this robot recorded; or a profile from `deftworks robot profile`."),
        "statistics": ("meta/stats.json of it", ["json", "jsonl"], "Or meta/episodes_stats.jsonl. Shows where your joints move, and in which unit."),
        "calibration": ("Calibration file", ["json"], "From ~/.cache/huggingface/lerobot/calibration/robots/. Not needed, and it shows drift."),
    }  # fmt: skip
    columns = st.columns(3)
    files = [
        column.file_uploader(label, kinds, key=f"fit-{name}", help=why, max_upload_size=MOST_MB)
        for column, (name, (label, kinds, why)) in zip(columns, asked.items(), strict=True)
    ]
    return tuple(file.getvalue() if file else None for file in files)


def _checked(pack: Path, files: Files) -> None:
    known = profile_of(files, {})
    roles, unit, computer = _questions(known)
    profile = profile_of(files, roles, unit)
    answer(fit_of(pack, profile, computer))


def _questions(known: RobotProfile) -> tuple[dict[str, str], str, Computer]:
    """Asks what no file says. A role that several cameras are given keeps the first; the check says so of the others."""
    roles: dict[str, str] = {}
    with st.container(border=True, key="fit-questions"):
        if unsaid := [camera.key for camera in known.cameras if camera.role is None]:
            st.markdown("**What does each camera see?** Its name is no evidence.")
            with st.container(horizontal=True, gap="small"):
                for key in unsaid:
                    name = key.removeprefix("observation.images.")
                    role = st.selectbox(plain(name), (NOT_SAID, *CAMERA_ROLES), key=f"fit-role-{key}", width=200)
                    if role in roles:
                        st.warning(f"Two cameras are said to be {role}.")
                    elif role != NOT_SAID:
                        roles[role] = key
        with st.container(horizontal=True, gap="small"):
            unit = st.selectbox("Unit of the joints", UNITS, key="fit-unit", width=220)
            memory = st.number_input(
                "Free memory, GiB", 0.0, 1e5, None, key="fit-memory", width=170, placeholder="not said"
            )
            version = st.text_input("LeRobot release", key="fit-lerobot", width=170, placeholder="0.4.4", max_chars=40)
    return roles, unit, Computer(memory, version)


def answer(fit: Fit) -> None:
    """Draws the answer, the mapping to copy, and each line with its reason."""
    st.html(
        f'<div class="dw-fit dw-{fit.answer}" role="status"><b>{escape(ANSWERS[fit.answer])}</b><span>{escape(fit.sentence)}</span></div>'
    )
    if fit.answer == "runs_with_mapping":
        _mapping(fit.mapping)
    st.html(f'<ul class="dw-fit-items">{"".join(map(_item_html, fit.items))}</ul>')


def _item_html(item: Item) -> str:
    return (
        f'<li class="dw-{item.verdict}"><span class="dw-mark" role="img" aria-label="{SAID[item.verdict]}">{MARKS[item.verdict]}</span>'
        f"<div><b>{escape(item.name)}</b><span>{escape(item.reason)}</span></div></li>"
    )


def _mapping(mapping: RobotMapping) -> None:
    if mapping.rename_map:
        st.markdown("**Copy this to LeRobot's command line**")
        st.code(f"--rename_map={quote(mapping.rename_map_json)}", language="bash", wrap_lines=True)
    facts = {}
    if mapping.joint_names:
        facts["Your joint is the pack's"] = code(
            ", ".join(f"{own} = {theirs}" for own, theirs in mapping.joint_names.items())
        )
    for name, places in (("State", mapping.state_places), ("Action", mapping.action_places)):
        if places:
            facts[f"{name}: places of the pack's values in your robot's vector"] = code(", ".join(map(str, places)))
    if mapping.fps:
        facts["Run at"] = f"{mapping.fps:g} actions per second"
    if facts:
        st.html(facts_html(facts))
