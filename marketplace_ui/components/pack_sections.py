"""The sections of a pack's page below its head: needs, teachers, versions, licence, verification."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from data_contracts.skill_pack import CameraSlot, Joint, LicenceStatement, Provenance, Requirements, SkillPack
from marketplace_ui.components.tables import code, facts_html, table_html
from marketplace_ui.services.verification import Verification
from marketplace_ui.services.wording import count_text, range_text, size_text

SHORT = 12
KEY_FILE = "deftworks.pem"


def requirements(needs: Requirements, size_bytes: int) -> None:
    """What a robot must have."""
    st.header("What your robot needs", anchor="needs")
    facts = {
        "Robot": needs.robot_type, "Actions per second": f"{needs.fps:g}", "Cameras": str(len(needs.cameras)),
        "Parameters": count_text(needs.num_parameters), "Download": size_text(size_bytes),
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


def teachers(origin: Provenance, contributors: list[dict[str, Any]]) -> None:
    """Who recorded what it learnt from, and how that can be traced."""
    st.header("Who taught it", anchor="teachers")
    rows = [
        (one["contributor"], str(one["num_episodes"]), f"{one['num_frames']:,}", ", ".join(one["licences"]))
        for one in contributors
    ]
    st.html(table_html(("Contributor", "Episodes", "Frames", "Licences"), rows))
    if origin.base_credits:
        number = sum(credit.num_episodes for credit in origin.base_credits)
        people = len({credit.contributor for credit in origin.base_credits})
        st.caption(
            f"Its base policy was pretrained on {number} episodes by {people} contributors; NOTICE names them all."
        )
    with st.expander("Trace it: corpus, training run, code"):
        st.html(
            facts_html(
                {
                    "Corpus": code(origin.corpus_hash), "Training run": code(origin.training_run_digest),
                    "Base policy": code(origin.base_digest or "none"), "Recipe": origin.recipe, "Code": origin.code_version,
                }
            )
        )  # fmt: skip
        st.caption("pack.json in the download names every training episode by its hash.")


def versions(pack: SkillPack) -> None:
    """What changed from version to version."""
    st.header("Versions", anchor="versions")
    entries = [
        f'<div class="dw-release"><b>{escape(entry.version)}</b>'
        f"{'<span class=dw-chip>this one</span>' if entry.version == pack.version else ''}<div>{escape(entry.sentence)}</div></div>"
        for entry in pack.changelog
    ]
    st.html("".join(entries))


def licence(terms: LicenceStatement) -> None:
    """What the licences of the recordings allow together."""
    st.header("Licences", anchor="licences")
    use = "permit commercial use" if terms.permits_commercial_use else "permit no commercial use"
    credit = ", and ask that contributors be credited" if terms.requires_attribution else ""
    st.markdown(f"The recordings' licences {use}{credit}.")
    st.caption(terms.statement)


def verification_state(checked: Verification) -> None:
    """One line that says whether the shop's own files hold."""
    if checked.problem:
        st.error(f"**Signature does not hold.** {checked.problem} Do not use this pack.", icon=":material/gpp_bad:")
    else:
        st.success(
            f"**Signature verified**: all {checked.num_files} files are as signed by this shop's pinned key "
            f"`{(checked.key_id or '')[:SHORT]}…`", icon=":material/verified_user:",
        )  # fmt: skip


def verify_yourself(pack: SkillPack, pack_id: str, folder: Path, public_key: str | None) -> None:
    """How to check the pack without trusting this page."""
    st.header("Check it yourself", anchor="verify")
    st.markdown("On your own machine, offline, against this shop's public key. It fails when a single byte differs.")
    st.code(
        f"deftworks pack verify {folder.parent.name}-{folder.name} --key {KEY_FILE}", language="bash", wrap_lines=True
    )
    st.html(facts_html({"Pack id (sha256 of pack.json)": code(pack_id)}))
    if public_key:
        st.download_button(
            "Public key", public_key, file_name=KEY_FILE, mime="application/x-pem-file", icon=":material/key:",
            help="Also get it by another way before you rely on it.", on_click="ignore", key=f"key-{pack.skill_id}",
        )  # fmt: skip
