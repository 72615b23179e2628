"""Nothing in a pack can change without being noticed, and only a pinned key counts."""

from __future__ import annotations

import json
import os
import random
import shutil
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from data_contracts.errors import PackError, PackTampered, UntrustedKey
from skill_packs.layout import PACK, SIGNATURE
from skill_packs.signing import envelope_bytes, open_signing_key, read_trusted_keys, sign_pack, statement
from skill_packs.verify import verify_pack


def all_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_an_untouched_pack_verifies(built, signer, trusted):
    verified = verify_pack(built.folder, trusted)
    assert verified.pack == built.pack
    assert verified.pack_id == built.pack_id
    assert verified.key_id == signer.public_key.keyid
    assert verified.num_files == len(built.pack.files) + 1


def test_a_copy_elsewhere_verifies(tmp_path, built, trusted):
    copy = shutil.copytree(built.folder, tmp_path / "elsewhere")
    assert verify_pack(copy, trusted).pack_id == built.pack_id


def test_any_changed_byte_is_noticed(built, trusted):
    """A sample of the bytes of every file, the signature's included; each flipped in one bit, one at a time."""
    rng = random.Random(7)
    for path in all_files(built.folder):
        original = path.read_bytes()
        for position in {0, len(original) - 1, *(rng.randrange(len(original)) for _ in range(30))}:
            changed = bytearray(original)
            changed[position] ^= 1 << rng.randrange(8)
            path.write_bytes(changed)
            with pytest.raises((PackTampered, UntrustedKey)):
                verify_pack(built.folder, trusted)
        path.write_bytes(original)
    verify_pack(built.folder, trusted)


def test_every_byte_of_the_signature_counts(built, trusted):
    path = built.folder / SIGNATURE
    original = path.read_bytes()
    for position in range(0, len(original), 7):
        path.write_bytes(original[:position] + bytes([original[position] ^ 1]) + original[position + 1 :])
        with pytest.raises((PackTampered, UntrustedKey)):
            verify_pack(built.folder, trusted)


@pytest.mark.parametrize("suffix", [b"", b" ", b"\n\n"])
def test_a_signature_in_another_spelling_is_refused(built, trusted, suffix):
    path = built.folder / SIGNATURE
    path.write_bytes(json.dumps(json.loads(path.read_text()), indent=1).encode() + suffix)
    with pytest.raises(PackTampered, match="not written as it was signed"):
        verify_pack(built.folder, trusted)


def test_every_missing_file_is_named(built, trusted):
    for path in all_files(built.folder):
        moved = path.rename(built.folder.parent / "moved")
        with pytest.raises(PackTampered, match=path.name):
            verify_pack(built.folder, trusted)
        moved.rename(path)


@pytest.mark.parametrize("name", ["extra.txt", "media/extra.mp4", ".hidden", "new/empty", "PACK.json"])
def test_additional_files_are_named(built, trusted, name):
    path = built.folder / name
    if name == "new/empty":
        path.mkdir(parents=True)
    else:
        path.write_bytes(b"")
    with pytest.raises(PackTampered, match=f"{name} .*added after signing"):
        verify_pack(built.folder, trusted)


@pytest.mark.parametrize("name", ["model.safetensors", "pack.json", "pack.dsse.json"])
def test_a_link_to_the_right_bytes_is_still_a_link(tmp_path, built, trusted, name):
    moved = (built.folder / name).rename(tmp_path / "moved")
    (built.folder / name).symlink_to(moved)
    with pytest.raises(PackTampered, match=name):
        verify_pack(built.folder, trusted)


def test_a_linked_folder_is_not_entered(tmp_path, built, trusted):
    moved = (built.folder / "media").rename(tmp_path / "moved")
    (built.folder / "media").symlink_to(moved)
    with pytest.raises(PackTampered, match=r"media .*symbolic link"):
        verify_pack(built.folder, trusted)


def test_a_pipe_is_refused_and_not_waited_for(built, trusted):
    (built.folder / "README.md").unlink()
    os.mkfifo(built.folder / "README.md")
    with pytest.raises(PackTampered, match="neither a file nor a folder"):
        verify_pack(built.folder, trusted)


def test_a_pack_signed_by_another_key_names_that_key(tmp_path, built, trusted):
    stranger = open_signing_key(tmp_path / "stranger")
    (built.folder / "README.md").write_text("Better than ever.")
    sign_pack(built.folder, stranger)
    with pytest.raises(UntrustedKey, match=stranger.public_key.keyid):
        verify_pack(built.folder, trusted)


def test_claiming_a_trusted_key_id_does_not_help(tmp_path, built, signer, trusted):
    sign_pack(built.folder, open_signing_key(tmp_path / "stranger"))
    path = built.folder / SIGNATURE
    envelope = json.loads(path.read_text())
    envelope["signatures"][0]["keyid"] = signer.public_key.keyid
    path.write_text(json.dumps(envelope, separators=(",", ":"), sort_keys=True) + "\n")
    with pytest.raises(PackTampered, match="not a signature of key"):
        verify_pack(built.folder, trusted)


def test_a_changed_statement_under_the_old_signature_is_refused(built, trusted):
    path = built.folder / SIGNATURE
    envelope = json.loads(path.read_text())
    payload = b64decode(envelope["payload"]).replace(b"press-button", b"pull-drawers")
    envelope["payload"] = b64encode(payload).decode()
    path.write_text(json.dumps(envelope, separators=(",", ":"), sort_keys=True) + "\n")
    with pytest.raises(PackTampered, match="not a signature of key"):
        verify_pack(built.folder, trusted)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "media/../../outside", "a\\b", "./README.md", ""])
def test_a_path_that_leaves_the_pack_is_refused_even_when_signed(built, signer, trusted, name):
    from securesystemslib.dsse import Envelope

    signed = statement(built.folder)
    signed["subject"].append({"name": name, "digest": {"sha256": "0" * 64}})
    envelope = Envelope(json.dumps(signed).encode(), "application/vnd.in-toto+json", {})
    envelope.sign(signer)
    (built.folder / SIGNATURE).write_bytes(envelope_bytes(envelope))
    with pytest.raises(PackTampered, match="no path inside a pack"):
        verify_pack(built.folder, trusted)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"payload":"!","payloadType":"x","signatures":[]}', b"[" * 100_000],
)
def test_nonsense_in_place_of_a_signature_is_refused(built, trusted, content):
    (built.folder / SIGNATURE).write_bytes(content)
    with pytest.raises(PackTampered, match=SIGNATURE):
        verify_pack(built.folder, trusted)


def test_an_unsigned_pack_is_refused(built, trusted):
    (built.folder / SIGNATURE).unlink()
    with pytest.raises(PackTampered, match=f"{SIGNATURE} is missing"):
        verify_pack(built.folder, trusted)


def test_a_folder_that_is_no_pack_is_said_to_be_none(tmp_path, trusted):
    with pytest.raises(PackError, match=f"holds no {PACK}"):
        verify_pack(tmp_path, trusted)


def test_without_pinned_keys_nothing_verifies(built):
    with pytest.raises(UntrustedKey, match="pinned: none"):
        verify_pack(built.folder, {})


def test_the_key_is_made_once_and_is_private(tmp_path, signer):
    keys = tmp_path / "keys"
    assert (keys / "signing_key.pem").stat().st_mode & 0o777 == 0o600
    assert open_signing_key(keys).public_key == signer.public_key
    assert list(read_trusted_keys(keys)) == [signer.public_key.keyid]
    (keys / "signing_key.pem").chmod(0o644)
    with pytest.raises(PackError, match="chmod 600"):
        open_signing_key(keys)


def test_a_key_file_of_another_kind_is_refused(tmp_path, signer):
    (tmp_path / "keys" / "trusted" / "other.pem").write_text("no key")
    with pytest.raises(PackError, match=r"other\.pem is not a public key"):
        read_trusted_keys(tmp_path / "keys")
