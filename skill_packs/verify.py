"""Whether a pack is, byte for byte, what somebody trusted here signed. Offline: it knows pinned public keys and a folder.

The signature is checked before anything that it covers is believed; files are hashed in blocks, so that memory does not
grow with the pack. What the pack claims about itself (evidence, licences) is true as far as its signer is honest.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import ContractError, PackError, PackTampered, UntrustedKey
from data_contracts.skill_pack import SkillPack
from skill_packs.layout import PACK, SIGNATURE, is_safe_path, walk
from skill_packs.signing import PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE, envelope_bytes

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

MAX_SIGNATURE_BYTES = 16 * 2**20
"""About 100,000 files. The signature is read before anything is trusted, so its size is bounded."""
_AGAIN = "Get the pack again from where it was published."


@dataclass(frozen=True)
class VerifiedPack:
    """A pack whose every byte was signed by `key_id`. `pack_id` is the sha256 of its pack.json."""

    folder: Path
    pack: SkillPack
    pack_id: str
    key_id: str
    num_files: int
    size_bytes: int


def verify_pack(folder: Path, trusted_keys: Mapping[str, SSlibKey]) -> VerifiedPack:
    """Returns the pack in `folder` if all of it, and nothing else, was signed by one of `trusted_keys`.

    Args:
        trusted_keys: pinned public keys by id, as `signing.read_trusted_keys` returns them.

    Raises:
        PackError: there is no pack in `folder`.
        UntrustedKey: it is signed by another key, which the message names.
        PackTampered: a file is missing, changed, additional or no plain file, a path leaves the folder, or the signature is
            not the key's. The message names the file.
    """
    if not (folder / SIGNATURE).is_file() and not (folder / PACK).is_file():
        raise PackError(
            f"{folder} is not a skill pack: it holds no {PACK}.", hint="Point at the folder of one version."
        )
    envelope = _read_envelope(folder)
    key_id = _check_signature(envelope, trusted_keys)
    digests = _subjects(envelope)
    _check_listing(folder, set(digests))
    num_bytes = 0
    for path, digest in digests.items():
        found, size_bytes = _hash(folder, path)
        if found != digest:
            raise PackTampered(f"{path} in {folder} was changed after signing.", hint=_AGAIN)
        num_bytes += size_bytes
    pack = _read_manifest(folder)
    listed = {path: entry.sha256.removeprefix("sha256:") for path, entry in pack.files.items()}
    if listed != {path: digest for path, digest in digests.items() if path != PACK}:
        raise PackTampered(f"{PACK} in {folder} lists other files than its signature.", hint=_AGAIN)
    return VerifiedPack(folder, pack, f"sha256:{digests[PACK]}", key_id, len(digests), num_bytes)


def _read_envelope(folder: Path) -> Envelope:
    from securesystemslib.dsse import Envelope

    raw = _read_small(folder, SIGNATURE)
    try:
        envelope = Envelope.from_dict(json.loads(raw))
        is_canonical = envelope_bytes(envelope) == raw
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PackTampered(f"{SIGNATURE} in {folder} is not a signature: {error!r}.", hint=_AGAIN) from error
    if not is_canonical or envelope.payload_type != PAYLOAD_TYPE:
        raise PackTampered(f"{SIGNATURE} in {folder} is not written as it was signed.", hint=_AGAIN)
    return envelope


def _check_signature(envelope: Envelope, trusted_keys: Mapping[str, SSlibKey]) -> str:
    """Returns the id of the key. Every signature must be a trusted key's, so that no byte of the file goes unchecked."""
    from securesystemslib.exceptions import UnverifiedSignatureError

    unknown = sorted(set(envelope.signatures) - set(trusted_keys))
    if unknown or not envelope.signatures:
        raise UntrustedKey(
            f"The pack is signed by {', '.join(unknown) or 'nobody'}, and no such key is pinned here "
            f"(pinned: {', '.join(sorted(trusted_keys)) or 'none'}).",
            hint="Say where the key is: --home LAKE of the shop that signed it, or --key FILE that its publisher gave you by another way.",
        )
    for key_id, signature in envelope.signatures.items():
        try:
            trusted_keys[key_id].verify_signature(signature, envelope.pae())
        except (UnverifiedSignatureError, ValueError) as error:
            raise PackTampered(f"{SIGNATURE} is not a signature of key {key_id}.", hint=_AGAIN) from error
    return sorted(envelope.signatures)[0]


def _subjects(envelope: Envelope) -> dict[str, str]:
    """Returns path -> sha256 (hex) as signed."""
    try:
        statement: dict[str, Any] = json.loads(envelope.payload)
        types = (statement["_type"], statement["predicateType"])
        digests = {str(subject["name"]): str(subject["digest"]["sha256"]) for subject in statement["subject"]}
        is_unique = len(digests) == len(statement["subject"])
    except (ValueError, KeyError, TypeError) as error:
        raise PackTampered(f"The statement in {SIGNATURE} cannot be read: {error!r}.", hint=_AGAIN) from error
    if types != (STATEMENT_TYPE, PREDICATE_TYPE) or not is_unique or PACK not in digests:
        raise PackTampered(f"The statement in {SIGNATURE} is not that of a skill pack.", hint=_AGAIN)
    for path in digests:
        if not is_safe_path(path) or path == SIGNATURE:
            raise PackTampered(f"The signature names {path!r}, which is no path inside a pack.", hint=_AGAIN)
    return digests


def _check_listing(folder: Path, signed: set[str]) -> None:
    found = set()
    for path in walk(folder):
        if path not in signed and path != SIGNATURE:
            raise PackTampered(f"{path} in {folder} was added after signing.", hint="Remove it, or get the pack again.")
        found.add(path)
    if missing := sorted(signed - found):
        raise PackTampered(f"{missing[0]} is missing from {folder}.", hint=_AGAIN)


def _read_manifest(folder: Path) -> SkillPack:
    try:
        return SkillPack.read(folder / PACK)
    except ContractError as error:
        raise PackTampered(f"{PACK} in {folder} is signed and still not valid: {error.message}", hint=_AGAIN) from error


def _hash(folder: Path, path: str) -> tuple[str, int]:
    with os.fdopen(_open(folder, path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def _read_small(folder: Path, path: str) -> bytes:
    with os.fdopen(_open(folder, path), "rb") as file:
        raw = file.read(MAX_SIGNATURE_BYTES + 1)
    if len(raw) > MAX_SIGNATURE_BYTES:
        raise PackTampered(f"{path} in {folder} is larger than {MAX_SIGNATURE_BYTES} bytes.", hint=_AGAIN)
    return raw


def _open(folder: Path, path: str) -> int:
    """Returns a descriptor of a plain file; a link that was put there since the listing is not followed."""
    try:
        return os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise PackTampered(f"{path} is missing from {folder}.", hint=_AGAIN) from error
    except OSError as error:
        raise PackTampered(f"{path} in {folder} cannot be opened: {error.strerror}.", hint=_AGAIN) from error
