"""One pack: what it does, how well, on what, from whom, and whether its signature holds. `?skill=<id>` says which."""

from __future__ import annotations

from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data_contracts.skill_pack import SkillPack
from marketplace_ui import opened
from marketplace_ui.components import pack_sections as sections
from marketplace_ui.components.evidence import SIMULATED, headline_html
from marketplace_ui.components.gallery import gallery, hero
from marketplace_ui.components.origin import origin
from marketplace_ui.components.pack_evidence import pack_evidence
from marketplace_ui.components.plain_text import plain
from marketplace_ui.components.purchase import purchase
from marketplace_ui.components.reviews import reviews
from marketplace_ui.components.robot_fit import robot_fit
from marketplace_ui.components.states import no_release, state
from marketplace_ui.services.offer_details import OfferDetails, offer_details
from marketplace_ui.services.pack_in_shop import PackInShop, pack_in_shop
from marketplace_ui.services.shelf import release_stamp
from marketplace_ui.services.verification import public_key
from marketplace_ui.services.wording import day_text

BROWSE = "app_pages/browse.py"


def page() -> None:
    st.page_link(BROWSE, label="All skills", icon=":material/arrow_back:")
    skill_id = st.query_params.get("skill", "")
    if release_stamp(opened.lake()) is None:
        no_release()
        return
    if skill_id not in opened.shelf()["skill_id"]:
        state("There is no such skill here", "It may have been taken off the shelf, or the address is mistyped.")
        return
    details = offer_details(opened.catalogue(), skill_id)
    person = opened.person()
    known = pack_in_shop(opened.shop(), skill_id, details.pack.version, person)
    recalls(details.pack, known)
    left, right = st.columns([1.08, 1], gap="large")
    with left, st.container(key="hero"):
        hero(details.pack, details.recordings)
    with right:
        badge = name(details.pack, known)
        purchase(details.pack, known, person)
        st.html(sections.at_a_glance(details.pack, details.size_bytes))
    sections.jumps()
    body(details, known)
    fine_print(details, known, badge)


def recalls(pack: SkillPack, known: PackInShop) -> None:
    """Says first of all what must not be used any more."""
    for recall in known.recalls:
        what = (
            "This version was recalled" if recall.version == pack.version else f"Version {recall.version} was recalled"
        )
        text = f"**{plain(what)}** on {day_text(recall.at)}: {plain(recall.reason)}"
        if recall.version == pack.version:
            st.error(f"{text} Stop using it.", icon=":material/report:")
        else:
            st.warning(text, icon=":material/report:")


def name(pack: SkillPack, known: PackInShop) -> DeltaGenerator:
    """What it is called, for which robot, by whom, and how well it does in one line. Returns the place of the signature's badge."""
    stars = f" · {known.stars:.1f} ★ ({len(known.reviews)})" if known.stars is not None else ""
    made = f"for {pack.requirements.robot_type} · version {pack.version} · by {pack.publisher}{stars}"
    st.html(
        f'<h1 class="dw-name">{escape(pack.title)}</h1><p class="dw-muted">{escape(made)}</p>'
        f'<p class="dw-description">{escape(pack.description)}</p>{headline_html(pack.evaluation.policy)}'
    )
    with st.container(horizontal=True, gap="small"):
        if pack.evaluation.is_simulated:
            st.badge(SIMULATED, icon=":material/view_in_ar:", color="orange")
        badge = st.empty()
    badge.badge("Checking the signature…", icon=":material/hourglass_empty:", color="gray")
    return badge


def body(details: OfferDetails, known: PackInShop) -> None:
    """What decides: evidence, fit, recordings, reviews, origin."""
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        pack_evidence(details)
    with right:
        sections.learning(details.pack)
        reviews(known)
    gallery(details.pack, details.recordings)
    with st.container(key="fit"):
        robot_fit(details.folder)


def fine_print(details: OfferDetails, known: PackInShop, badge: DeltaGenerator) -> None:
    """What it needs, comes from, changed, and how to check it, in two columns where there is room.

    The shop's own check comes last of all, since it reads every byte of the pack.
    """
    pack = details.pack
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        sections.requirements(pack.requirements)
        origin(details)
    with right:
        sections.versions(pack, {recall.version for recall in known.recalls})
        sections.licence(pack)
        sections.verify_yourself(details.pack_id, details.folder)
        checked = opened.checked(details.folder, details.pack_id)
        sections.verification_state(
            pack, checked, public_key(opened.lake(), checked.key_id) if checked.key_id else None
        )
    if checked.problem is None:
        badge.badge("Signature verified", icon=":material/verified_user:", color="green")
    else:
        badge.badge("Signature does not hold", icon=":material/gpp_bad:", color="red")


page()
