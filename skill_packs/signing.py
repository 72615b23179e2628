"""Keys, and the signature of a pack: a DSSE envelope over an in-toto Statement v1, ed25519.

The statement's subjects are pack.json and every file that it lists, by sha256. Checking a signature against a folder is
`skill_packs.verify`. Specifications: https://github.com/secure-systems-lab/dsse, https://in-toto.io/Statement/v1.

<keys>/
  signing_key.pem      private key of this shop (PKCS 8), mode 0600
  trusted/<id>.pem     public keys that are pinned here; the shop's own is one of them
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import rfc8785

from data_contracts.errors import PackError
from data_contracts.skill_pack import SkillPack
from data_contracts.stages import file_sha256, write_text
from skill_packs.layout import PACK, SIGNATURE

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:deftworks:skill-pack:v1"
SIGNING_KEY = "signing_key.pem"
TRUSTED = "trusted"


def open_signing_key(keys: Path) -> CryptoSigner:
    """Returns the shop's key, made and pinned on first use.

    Raises:
        PackError: the file is not an ed25519 private key, or others than its owner may read it.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    path = keys / SIGNING_KEY
    if not path.exists():
        new_key(keys)
    if path.stat().st_mode & 0o077:
        raise PackError(f"The signing key {path} can be read by others.", hint=f"Run: chmod 600 {path}")
    try:
        return CryptoSigner(load_pem_private_key(path.read_bytes(), password=None))  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise PackError(f"{path} is not a private key: {error}.", hint="Restore it from a backup.") from error


def new_key(keys: Path) -> CryptoSigner:
    """Makes a key pair, stores it under `keys` and pins its public half. Never replaces a key.

    Raises:
        PackError: there is a key already.
    """
    from securesystemslib.signer import CryptoSigner

    signer = CryptoSigner.generate_ed25519()
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Pinned first: a stop in between leaves a public key that nothing is signed with, not a shop that distrusts itself.
    pin_key(keys, signer.public_key)
    temporary = keys / f".{SIGNING_KEY}.{os.getpid()}"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(signer.private_bytes)
    try:
        (keys / SIGNING_KEY).hardlink_to(temporary)
    except FileExistsError as error:
        (keys / TRUSTED / f"{signer.public_key.keyid}.pem").unlink()
        raise PackError(
            f"{keys / SIGNING_KEY} exists already.", hint="Keys are made once; use the one there."
        ) from error
    finally:
        temporary.unlink()
    return signer


def pin_key(keys: Path, key: SSlibKey) -> None:
    """Trusts a public key from now on."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_text(keys / TRUSTED / f"{key.keyid}.pem", pem.decode())


def read_trusted_keys(keys: Path) -> dict[str, SSlibKey]:
    """Returns the public keys that are pinned under `keys` (`lake.keys`), by id."""
    return read_public_keys(sorted((keys / TRUSTED).glob("*.pem")))


def read_public_keys(paths: Iterable[Path]) -> dict[str, SSlibKey]:
    """Returns public keys by id. Ids are computed from the keys, never taken from file names.

    Raises:
        PackError: a file is not an ed25519 public key.
    """
    return dict(_read_public_key(path) for path in paths)


def sign_pack(folder: Path, signer: CryptoSigner) -> None:
    """Signs the pack in `folder` as its pack.json describes it, replacing a signature that is there."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(rfc8785.dumps(statement(folder)), PAYLOAD_TYPE, signatures={})
    envelope.sign(signer)
    (folder / SIGNATURE).write_bytes(envelope_bytes(envelope))


def statement(folder: Path) -> dict[str, object]:
    """Returns the in-toto statement of a pack; the digests of its files are those of pack.json."""
    pack = SkillPack.read(folder / PACK)
    digests = {PACK: file_sha256(folder / PACK)} | {path: entry.sha256 for path, entry in pack.files.items()}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": path, "digest": {"sha256": digest.removeprefix("sha256:")}}
            for path, digest in sorted(digests.items())
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"skill_id": pack.skill_id, "version": pack.version},
    }


def envelope_bytes(envelope: Envelope) -> bytes:
    """Returns the one way in which an envelope is written here (RFC 8785), so that every changed byte shows."""
    return rfc8785.dumps(envelope.to_dict()) + b"\n"


def _read_public_key(path: Path) -> tuple[str, SSlibKey]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    try:
        public = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise PackError(f"{path} is not a public key: {error}.", hint="Remove it, or pin the right file.") from error
    if not isinstance(public, Ed25519PublicKey):
        raise PackError(f"{path} is not an ed25519 key.", hint="Packs are signed with ed25519 only.")
    key = SSlibKey.from_crypto(public)
    return key.keyid, key
