"""Whether the files of a pack in this shop are what the shop's pinned key signed. Read afresh, not remembered from a release."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import PackError
from data_contracts.layout import Lake


@dataclass(frozen=True)
class Verification:
    """`problem` is None when every byte was signed by `key_id`, a key that is pinned here."""

    key_id: str | None
    num_files: int
    problem: str | None


def verification(lake: Lake, folder: Path, pack_id: str) -> Verification:
    """Returns the state of the pack in `folder`, which the catalogue says is `pack_id`."""
    from skill_packs.signing import read_trusted_keys
    from skill_packs.verify import verify_pack

    try:
        verified = verify_pack(folder, read_trusted_keys(lake.keys))
    except PackError as error:
        return Verification(None, 0, error.message)
    if verified.pack_id != pack_id:
        return Verification(
            verified.key_id, 0, "The files are signed, but they are not those that the catalogue names."
        )
    return Verification(verified.key_id, verified.num_files, None)


def public_key(lake: Lake, key_id: str) -> str:
    """Returns the pinned public key, as PEM."""
    from skill_packs.signing import TRUSTED

    return (lake.keys / TRUSTED / f"{key_id}.pem").read_text(encoding="ascii")
