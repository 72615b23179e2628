"""The builder decides the version; nobody can call a new camera set a patch."""

from __future__ import annotations

import pytest

from data_contracts.skills import Price
from skill_packs.build import build_pack
from tests.skill_packs.make_pack import JOINTS, make_inputs, make_rows, make_skill


@pytest.mark.parametrize(
    ("changes", "version", "sentence"),
    [
        ({}, "1.0.0", "First version."),
        ({"seed": 1}, "1.0.1", "Trained again on the same episodes. Evaluated again"),
        ({"skill": make_skill(price=Price(amount_minor=1200))}, "1.0.1", "The price changed."),
        ({"skill": make_skill(description="Better words.")}, "1.0.1", "The description changed."),
        ({"videos": {"success-7.mp4": b"other"}}, "1.0.1", "Files or terms changed"),
        ({"rows": make_rows(num_episodes=6)}, "1.1.0", "Trained on 2 more episodes (6 in all)."),
        ({"rows": make_rows(num_episodes=3), "seed": 3}, "1.1.0", "Trained on 1 fewer episodes (3 in all)."),
        ({"joints": (*JOINTS[:2], "claw.pos")}, "2.0.0", "The action space changed"),
        ({"roles": ("top",), "rows": make_rows(num_episodes=6)}, "2.0.0", "The cameras changed: top, wrist became top."),
        ({"roles": ("wrist", "top")}, "2.0.0", "The cameras changed: top, wrist became wrist, top."),
    ],
)  # fmt: skip
def test_what_changed_decides(tmp_path, built, signer, changes, version, sentence):
    num_successes = 15 if changes.get("seed") == 1 else 13
    pack = build_pack(
        tmp_path / "packs", make_inputs(tmp_path / "next", num_successes=num_successes, **changes), signer
    ).pack
    assert pack.version == version
    assert pack.changelog[0].sentence.startswith(sentence)
    assert [entry.version for entry in pack.changelog] == ([version, "1.0.0"] if version != "1.0.0" else ["1.0.0"])


def test_versions_count_as_numbers(tmp_path, signer):
    for seed in range(12):
        pack = build_pack(tmp_path / "packs", make_inputs(tmp_path / str(seed), seed=seed), signer).pack
    assert pack.version == "1.0.11"
    assert len(pack.changelog) == 12
