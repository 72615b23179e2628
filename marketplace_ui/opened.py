"""What pages work with: the shop and its payment provider, who is signed in, and, kept between reruns, the open catalogue, its shelf
and verifications. What is kept is keyed on the release, so never stale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from data_contracts.errors import LakeError, PaymentUnavailable
from data_contracts.layout import Lake
from marketplace_ui import running
from marketplace_ui.services.shelf import release_stamp
from marketplace_ui.services.verification import Verification, verification

if TYPE_CHECKING:
    import polars as pl

    from marketplace.accounts.people import Person
    from marketplace.catalogue import Catalogue
    from marketplace.payments.provider import PaymentProvider
    from marketplace.shop import Shop

VERIFIED_FOR_S = 600


def lake() -> Lake:
    """Returns the lake of the shop that is served, or of the environment."""
    served = running.now()
    return served.shop.lake if served else Lake.at()


def shop() -> Shop:
    """Returns the shop: the one that is served, or that of the environment's lake."""
    served = running.now()
    return served.shop if served else _shop(str(lake().home))


def provider() -> PaymentProvider:
    """Returns who takes the payments. Raises PaymentUnavailable where pages are drawn without their server."""
    served = running.now()
    if served is None:
        raise PaymentUnavailable("Payments are not connected here.", hint="Open the shop with: deftworks shop.")
    return served.provider


def is_test_money() -> bool:
    """True where nothing is really paid."""
    served = running.now()
    return served is not None and served.provider.is_test


def person() -> Person | None:
    """Returns who is signed in with this browser."""
    from marketplace.accounts.sessions import COOKIE, person_of_cookie

    held = cookies()
    return person_of_cookie(shop(), held) if COOKIE in held else None


def cookies() -> dict[str, str]:
    """Returns the cookies that this browser came with."""
    return st.context.cookies.to_dict()


def catalogue() -> Catalogue:
    """Returns the current release. Raises LakeError where there is none."""
    stamp = release_stamp(lake())
    if stamp is None:
        raise LakeError("Nothing was released yet.", hint="Make a catalogue release first.")
    return _catalogue(str(lake().home), stamp)


def shelf() -> pl.DataFrame:
    """Returns the current release, ready for `marketplace.search.search`. Not to be changed."""
    return _shelf(str(lake().home), release_stamp(lake()) or "")


def checked(folder: Path, pack_id: str) -> Verification:
    """Returns whether the pack's files hold, read again every ten minutes."""
    return _checked(str(lake().home), str(folder), pack_id)


@st.cache_resource(max_entries=2, show_spinner=False)
def _shop(home: str) -> Shop:
    from marketplace.shop import open_shop

    return open_shop(Lake(Path(home)))


@st.cache_resource(max_entries=2, show_spinner=False)
def _catalogue(home: str, stamp: str) -> Catalogue:
    from marketplace.catalogue import open_catalogue

    return open_catalogue(Lake(Path(home)))


@st.cache_resource(max_entries=2, show_spinner="Opening the catalogue…")
def _shelf(home: str, stamp: str) -> pl.DataFrame:
    from marketplace.search import search_frame

    return search_frame(_catalogue(home, stamp))


@st.cache_data(ttl=VERIFIED_FOR_S, max_entries=200, show_spinner="Checking every byte of the pack…")
def _checked(home: str, folder: str, pack_id: str) -> Verification:
    return verification(Lake(Path(home)), Path(folder), pack_id)
