from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner, SSlibKey

from skill_packs.build import BuiltPack, build_pack
from skill_packs.signing import open_signing_key, read_trusted_keys
from tests.skill_packs.make_pack import make_inputs


@pytest.fixture
def signer(tmp_path: Path) -> CryptoSigner:
    return open_signing_key(tmp_path / "keys")


@pytest.fixture
def trusted(tmp_path: Path, signer: CryptoSigner) -> Mapping[str, SSlibKey]:
    return read_trusted_keys(tmp_path / "keys")


@pytest.fixture
def built(tmp_path: Path, signer: CryptoSigner) -> BuiltPack:
    return build_pack(tmp_path / "packs", make_inputs(tmp_path / "inputs"), signer)
