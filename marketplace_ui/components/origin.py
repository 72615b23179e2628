"""Where a pack comes from: contributors, their datasets, each episode. Opened step by step, some rows at a time."""

from __future__ import annotations

import streamlit as st

from marketplace_ui import opened
from marketplace_ui.components.tables import code, facts_html, table_html
from marketplace_ui.services.offer_details import OfferDetails
from marketplace_ui.services.wording import counted

MOST_PEOPLE, ROWS, DIGITS = 8, 20, 12


def origin(details: OfferDetails) -> None:
    """Draws who recorded what it learnt from, down to the episode."""
    st.header("Who taught it", anchor="teachers")
    people = details.contributors
    _people(people[:MOST_PEOPLE])
    if len(people) > MOST_PEOPLE:
        with st.expander(f"{counted(len(people) - MOST_PEOPLE, 'more contributor')}"):
            _people(people[MOST_PEOPLE:])
    provenance = details.pack.provenance
    if provenance.base_credits:
        number = sum(credit.num_episodes for credit in provenance.base_credits)
        with st.expander(f"Its base policy learnt from {counted(number, 'episode')} before"):
            rows = [
                (one.contributor, one.dataset, str(one.num_episodes), one.licence) for one in provenance.base_credits
            ]
            st.html(table_html(("Contributor", "Dataset", "Episodes", "Licence"), rows))
    with st.expander(f"All {counted(len(provenance.episodes), 'episode')}, by dataset"):
        _episodes(details)
    with st.expander("Corpus, training run, code"):
        st.html(
            facts_html({
                "Corpus": code(provenance.corpus_hash), "Training run": code(provenance.training_run_digest),
                "Base policy": code(provenance.base_digest or "none"), "Recipe": provenance.recipe, "Code": provenance.code_version,
            })
        )  # fmt: skip


def _people(people: list[dict]) -> None:
    rows = [
        (one["contributor"], str(one["num_episodes"]), f"{one['num_frames']:,}", ", ".join(one["licences"]))
        for one in people
    ]
    st.html(table_html(("Contributor", "Episodes", "Frames", "Licences"), rows))


@st.fragment
def _episodes(details: OfferDetails) -> None:
    sets = {one["dataset_id"]: one for one in details.datasets}
    chosen = st.selectbox("Dataset", list(sets), key="dataset")
    one = sets[chosen]
    num_pages = -(-one["num_episodes"] // ROWS)
    facts = {"Recorded by": one["contributor"], "Episodes": f"{one['num_episodes']:,}", "Frames": f"{one['num_frames']:,}",
             "Licence": ", ".join(one["licences"])}  # fmt: skip
    st.html(facts_html(facts))
    page = (
        st.number_input(f"Page, of {num_pages}", 1, num_pages, key=f"page-{chosen}", width=160) if num_pages > 1 else 1
    )
    rows = opened.catalogue().episodes(details.pack.skill_id, chosen, (page - 1) * ROWS, ROWS)
    shown = [
        (str(row["episode_index"]), f"{row['num_frames']:,}", row["licence"], code(row["episode_hash"].removeprefix("sha256:")[:DIGITS] + "…"))
        for row in rows
    ]  # fmt: skip
    st.html(table_html(("Episode", "Frames", "Licence", "Hash (sha256)"), shown))
    st.caption("pack.json in the download names every episode with its whole hash.")
