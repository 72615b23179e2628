"""One pack: what it does, how well, on what, from whom, and whether its signature holds. `?skill=<id>` says which."""

from __future__ import annotations

import streamlit as st

from marketplace_ui import opened
from marketplace_ui.components import pack_sections as sections
from marketplace_ui.components.evidence import SIMULATED, headline_html, success_chart
from marketplace_ui.components.states import no_release, state
from marketplace_ui.services.offer_details import OfferDetails, Recording, offer_details
from marketplace_ui.services.shelf import release_stamp
from marketplace_ui.services.verification import Verification, public_key
from marketplace_ui.services.wording import baseline_name, price_text

BROWSE = "app_pages/browse.py"


def page() -> None:
    st.page_link(BROWSE, label="All skills", icon=":material/arrow_back:")
    skill_id = st.query_params.get("skill", "")
    if release_stamp(opened.lake()) is None:
        no_release()
        return
    if skill_id not in {offer.skill_id for offer in opened.shelf()}:
        state("There is no such skill here", "It may have been taken off the shelf, or the address is mistyped.")
        return
    details = offer_details(opened.catalogue(), skill_id)
    checked = opened.checked(details.folder, details.pack_id)
    head(details, checked)
    recordings(details.recordings)
    below(details, checked)


def head(details: OfferDetails, checked: Verification) -> None:
    """The picture, the name, the evidence and the price."""
    pack = details.pack
    left, right = st.columns([1.08, 1], gap="large")
    with left:
        first = next((one for one in details.recordings if one.is_success), None) or next(
            iter(details.recordings), None
        )
        if first:
            st.video(str(first.path), loop=True, autoplay=True, muted=True, alt=f"{pack.title}: a recorded rollout")
            st.caption(f"A {'successful' if first.is_success else 'failed'} rollout in {pack.evaluation.world}.")
        else:
            state("No recordings", "The evaluation of this version was not filmed.")
    with right:
        st.title(pack.title, anchor=False)
        st.caption(f"for **{pack.requirements.robot_type}** · version {pack.version} · by {pack.publisher}")
        st.write(pack.description)
        with st.container(horizontal=True, gap="small"):
            if pack.evaluation.is_simulated:
                st.badge(SIMULATED, icon=":material/view_in_ar:", color="orange")
            if checked.problem is None:
                st.badge("Signature verified", icon=":material/verified_user:", color="green")
            else:
                st.badge("Signature does not hold", icon=":material/gpp_bad:", color="red")
        evaluation = pack.evaluation
        st.html(headline_html(evaluation.policy))
        rates = {"This pack": evaluation.policy} | {baseline_name(k): v for k, v in evaluation.baselines.items()}
        st.altair_chart(success_chart(rates), alt="Success rates with 95% intervals, this pack and its baselines")
        with st.container(border=True):
            price(pack.price.amount_minor, pack.price.currency)


def price(amount_minor: int, currency: str) -> None:
    """What it costs, and that nothing can be bought yet."""
    st.html(f'<div class="dw-price-large">{price_text(amount_minor, currency)}</div>')
    st.button("Not available yet", disabled=True, width="stretch", icon=":material/shopping_bag:")
    st.caption(
        "Buying and downloading come later, with accounts and payment. Until then this page shows what you would get."
    )


def recordings(filmed: list[Recording]) -> None:
    """Successes and failures alike."""
    if not filmed:
        return
    st.header("Recordings", anchor="recordings")
    st.caption("Failures are shown as they happened: they say more about a policy than its successes.")
    with st.container(key="recordings"):
        for one in sorted(filmed, key=lambda one: not one.is_success):
            with st.container():
                st.video(
                    str(one.path), muted=True, alt=f"Recorded rollout: {'success' if one.is_success else 'failure'}"
                )
                if one.is_success:
                    st.badge("Success", icon=":material/check:", color="green")
                else:
                    st.badge("Failure", icon=":material/close:", color="red")


def below(details: OfferDetails, checked: Verification) -> None:
    """The sections, in two columns where there is room."""
    pack = details.pack
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        sections.requirements(pack.requirements, details.size_bytes)
        sections.teachers(pack.provenance, details.contributors)
    with right:
        sections.versions(pack)
        sections.licence(pack.licence)
        sections.verify_yourself(
            pack, details.pack_id, details.folder, public_key(opened.lake(), checked.key_id) if checked.key_id else None
        )
        sections.verification_state(checked)


page()
