"""What pages keep between reruns: the open catalogue, its shelf, and verifications. Keyed on the release, so never stale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from data_contracts.errors import LakeError
from data_contracts.layout import Lake
from marketplace_ui.services.shelf import Offer, offers, release_stamp
from marketplace_ui.services.verification import Verification, verification

if TYPE_CHECKING:
    from marketplace.catalogue import Catalogue

VERIFIED_FOR_S = 600


def lake() -> Lake:
    """Returns the lake of the environment."""
    return Lake.at()


def catalogue() -> Catalogue:
    """Returns the current release. Raises LakeError where there is none."""
    stamp = release_stamp(lake())
    if stamp is None:
        raise LakeError("Nothing was released yet.", hint="Make a catalogue release first.")
    return _catalogue(str(lake().home), stamp)


def shelf() -> list[Offer]:
    """Returns the offers of the current release, best evidence first."""
    return _shelf(str(lake().home), release_stamp(lake()) or "")


def checked(folder: Path, pack_id: str) -> Verification:
    """Returns whether the pack's files hold, read again every ten minutes."""
    return _checked(str(lake().home), str(folder), pack_id)


@st.cache_resource(max_entries=2, show_spinner=False)
def _catalogue(home: str, stamp: str) -> Catalogue:
    from marketplace.catalogue import open_catalogue

    return open_catalogue(Lake(Path(home)))


@st.cache_data(max_entries=2, show_spinner=False)
def _shelf(home: str, stamp: str) -> list[Offer]:
    return offers(_catalogue(home, stamp))


@st.cache_data(ttl=VERIFIED_FOR_S, max_entries=200, show_spinner="Checking every byte of the pack…")
def _checked(home: str, folder: str, pack_id: str) -> Verification:
    return verification(Lake(Path(home)), Path(folder), pack_id)
