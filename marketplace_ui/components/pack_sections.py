"""Short sections of a pack's page: learning, needs, versions, licence, verification. Longer ones have a module each."""

from __future__ import annotations

from collections.abc import Container
from html import escape
from pathlib import Path

import streamlit as st

from data_contracts.skill_pack import CameraSlot, Joint, Requirements, SkillPack
from marketplace_ui.components.evidence import learning_chart
from marketplace_ui.components.plain_text import plain
from marketplace_ui.components.tables import code, facts_html, table_html
from marketplace_ui.services.verification import Verification
from marketplace_ui.services.wording import cameras_text, count_text, counted, range_text, size_text
from skill_packs.documents import notice

SHORT = 12
KEY_FILE = "deftworks.pem"
JUMPS = {
    "evidence": "Evidence", "recordings": "Recordings", "fit": "Does it fit?", "needs": "Requirements", "teachers": "Origin",
    "reviews": "Reviews", "versions": "Versions", "licences": "Licences", "verify": "Check it",
}  # fmt: skip


def jumps() -> None:
    """Ways to the sections of the page."""
    links = "".join(f'<a href="#{anchor}" target="_self">{words}</a>' for anchor, words in JUMPS.items())
    st.html(f'<nav class="dw-jumps" aria-label="Sections">{links}</nav>')


def at_a_glance(pack: SkillPack, size_bytes: int) -> str:
    """Returns what decides at a glance, as markup."""
    needs, origin = pack.requirements, pack.provenance
    views = cameras_text([slot.role for slot in needs.cameras if slot.is_required])
    return facts_html({
        "Robot": needs.robot_type, "Sees with": views, "Learnt from": counted(len(origin.episodes), "episode"),
        "Recorded by": counted(len(origin.contributors), "contributor"), "Download": size_text(size_bytes),
        "Commercial use": "permitted" if pack.licence.permits_commercial_use else "not permitted",
    })  # fmt: skip


def learning(pack: SkillPack) -> None:
    """How it learnt, where the pack says so."""
    if pack.learning is None:
        return
    st.header("How it learnt", anchor="learning")
    st.altair_chart(learning_chart(pack.learning), alt="Loss over training steps")
    st.caption(
        f"{pack.learning.num_steps:,} steps; the loss went from {pack.learning.first_loss:.3g} to {pack.learning.final_loss:.3g}. "
        "Loss says that it learnt, not that it works: rollouts do."
    )


def requirements(needs: Requirements) -> None:
    """What a robot must have."""
    st.header("What your robot needs", anchor="needs")
    facts = {
        "Robot": needs.robot_type, "Actions per second": f"{needs.fps:g}", "Parameters": count_text(needs.num_parameters),
        "LeRobot": needs.lerobot_versions or "not stated",
    }  # fmt: skip
    st.html(facts_html(facts))
    if needs.cameras:
        st.subheader("Cameras", anchor=False)
        st.caption("What a camera shows decides, not its name: a picture in the wrong slot makes a policy act wrongly.")
        st.html(table_html(("Shows", "Recorded at", "Needed", "Slot"), map(_camera_row, needs.cameras)))
    st.subheader("Joints, in this order", anchor=False)
    action, state = st.tabs([f"Action ({len(needs.action)})", f"State ({len(needs.state)})"])
    for tab, joints in ((action, needs.action), (state, needs.state)):
        tab.html(
            table_html(("", "Joint", "Unit", "Range in the training data"), map(_joint_row, range(1, 1000), joints))
        )


def _camera_row(slot: CameraSlot) -> tuple[str, ...]:
    size = f"{slot.width_px} × {slot.height_px} px"
    return (slot.role, size, "required" if slot.is_required else "optional", code(slot.key))


def _joint_row(number: int, joint: Joint) -> tuple[str, ...]:
    return (str(number), code(joint.name), joint.unit or "not stated", range_text(joint.min, joint.max))


def versions(pack: SkillPack, recalled: Container[str]) -> None:
    """What changed from version to version, and which of them are recalled."""
    st.header("Versions", anchor="versions")
    entries = [
        f'<div class="dw-release"><b>{escape(entry.version)}</b>{_chip("this one", entry.version == pack.version)}'
        f"{_chip('recalled', entry.version in recalled)}<div>{escape(entry.sentence)}</div></div>"
        for entry in pack.changelog
    ]
    st.html("".join(entries))


def _chip(words: str, is_shown: bool) -> str:
    return f'<span class="dw-chip">{words}</span> ' if is_shown else ""


def licence(pack: SkillPack) -> None:
    """What the licences of the recordings allow together, and who must be named."""
    terms = pack.licence
    st.header("Licences", anchor="licences")
    use = "permit commercial use" if terms.permits_commercial_use else "permit no commercial use"
    credit = ", and ask that contributors be credited" if terms.requires_attribution else ""
    st.markdown(f"The recordings' licences {use}{credit}.")
    rows = [(name, f"{number:,}") for name, number in terms.episodes_by_licence.items()]
    st.html(table_html(("Licence", "Episodes"), rows))
    st.html(f'<p class="dw-small dw-muted">{escape(terms.statement)}</p>')
    if terms.requires_attribution:
        with st.expander("Who must be credited"):
            st.caption("NOTICE in the download says this; keep it with the pack.")
            st.code(notice(pack), language=None, wrap_lines=True, height=240)


def verify_yourself(pack_id: str, folder: Path) -> None:
    """How to check the pack without trusting this page."""
    st.header("Check it yourself", anchor="verify")
    st.markdown("On your own machine, offline, against this shop's public key. It fails when a single byte differs.")
    name = f"{folder.parent.name}-{folder.name}"
    st.code(f"deftworks pack verify {name} --key {KEY_FILE}", language="bash", wrap_lines=True)
    st.html(facts_html({"Pack id (sha256 of pack.json)": code(pack_id)}))


def verification_state(pack: SkillPack, checked: Verification, public_key: str | None) -> None:
    """Whether the shop's own files hold, and the key to check them with."""
    if public_key:
        st.download_button(
            "Public key", public_key, file_name=KEY_FILE, mime="application/x-pem-file", icon=":material/key:",
            help="Also get it by another way before you rely on it.", on_click="ignore", key=f"key-{pack.skill_id}",
        )  # fmt: skip
    if checked.problem:
        said = f"**Signature does not hold.** {plain(checked.problem)} Do not use this pack."
        st.error(said, icon=":material/gpp_bad:")
    else:
        st.success(
            f"**Signature verified**: all {checked.num_files} files are as signed by this shop's pinned key "
            f"`{(checked.key_id or '')[:SHORT]}…`", icon=":material/verified_user:",
        )  # fmt: skip
