"""Licence files: what a buyer bought, signed by the shop, checked without a network and never needed by a robot to run.

A DSSE envelope (https://github.com/secure-systems-lab/dsse) over canonical JSON, ed25519, by the key that signs the shop's packs. The same
purchase gives the same bytes. Giving a pack back ends updates; a licence file that was handed out stays a true statement of that day.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from data_contracts.errors import OrderError, PackTampered, UntrustedKey
from data_contracts.manifests import Manifest
from data_contracts.skill_pack import Sha256, SkillId, Version
from data_contracts.stages import bytes_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

    from securesystemslib.signer import CryptoSigner, SSlibKey

    from marketplace.entitlements import Entitlement
    from marketplace.settings import ShopSettings

PAYLOAD_TYPE = "application/vnd.deftworks.licence+json"
SUFFIX = ".licence.json"
MOST_BYTES = 64 * 1024
TERMS = (
    "You may run this skill on as many robots as `num_robots` says, for as long as you like and without a network. You may not pass the "
    "weights on. Recordings that taught it are credited in NOTICE, under their own licences. Updates are the later versions of the same "
    "major version, until the purchase is given back."
)


class Licence(Manifest):
    """One purchase of one pack."""

    schema_version: Literal[1] = 1
    licence_id: str = Field(description="Of the purchase.")
    order_line: str
    buyer_id: str
    seller: str
    skill_id: SkillId
    version: Version
    pack_id: Sha256 = Field(description="Digest of the pack's manifest.")
    num_robots: int = Field(ge=1)
    issued_at: str
    updates: str = Field(description="Versions that come with it, such as 1.x.")
    terms: str
    terms_sha256: Sha256


def licence_of(owned: Entitlement, settings: ShopSettings) -> Licence:
    """Returns what the licence file of a purchase says."""
    return Licence(
        licence_id=owned.id, order_line=owned.line_id, buyer_id=owned.person_id, seller=settings.seller,
        skill_id=owned.skill_id, version=owned.version, pack_id=owned.pack_id, num_robots=owned.num_robots,
        issued_at=owned.granted_at, updates=f"{owned.major}.x", terms=TERMS, terms_sha256=bytes_sha256(TERMS.encode()),
    )  # fmt: skip


def sign_licence(licence: Licence, signer: CryptoSigner) -> bytes:
    """Returns the licence file."""
    import rfc8785
    from securesystemslib.dsse import Envelope

    from skill_packs.signing import envelope_bytes

    envelope = Envelope(rfc8785.dumps(licence.model_dump(mode="json")), PAYLOAD_TYPE, signatures={})
    envelope.sign(signer)
    return envelope_bytes(envelope)


def read_licence(path: Path, trusted: Mapping[str, SSlibKey]) -> Licence:
    """Returns what a licence file says, after checking who signed it. Needs no network.

    Raises:
        OrderError: it is no licence file.
        PackTampered: it was changed after it was signed.
        UntrustedKey: it is signed by a key that is not pinned here.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    try:
        raw = path.read_bytes()[: MOST_BYTES + 1]
        if len(raw) > MOST_BYTES:
            raise ValueError("it is too large")
        envelope = Envelope.from_dict(json.loads(raw))
        if envelope.payload_type != PAYLOAD_TYPE:
            raise ValueError(f"it holds {envelope.payload_type}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OrderError(f"{path} is no licence file: {error}.", hint="Download it again from your library.") from error
    if not set(envelope.signatures) & set(trusted):
        raise UntrustedKey(
            f"{path} is signed by a key that is not pinned here.", hint="Give the shop's public key with --key."
        )
    try:
        envelope.verify(list(trusted.values()), threshold=1)
    except VerificationError as error:
        raise PackTampered(f"{path} was changed after it was signed.", hint="Download it again.") from error
    try:
        licence = Licence.model_validate_json(envelope.payload)
    except ValidationError as error:
        raise OrderError(
            f"{path} is a licence of a form that is not known here: {error.errors()[0]['msg']}."
        ) from error
    if bytes_sha256(licence.terms.encode()) != licence.terms_sha256:
        raise PackTampered(f"{path}: its terms are not those that it names.", hint="Download it again.")
    return licence
