"""The small picture of a skill, where the present release has one."""

from __future__ import annotations

import streamlit as st

from marketplace.catalogue import POSTER
from marketplace.shelf import versions_on_shelf
from marketplace_ui import opened


def poster(skill_id: str, width_px: int, key: str = "") -> None:
    """Draws a skill's poster; nothing where it is not on the shelf or was not filmed.

    Args:
        key: tells it from others of the same skill on one page.
    """
    version = versions_on_shelf(opened.lake()).get(skill_id)
    path = opened.catalogue().media(skill_id, version) / POSTER if version else None
    if path and path.is_file():
        with st.container(key=f"poster-{key or skill_id}", width=width_px):
            st.image(str(path), width=width_px)
