"""What may be sold, what may be given away, and who stands in the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_contracts.errors import LicenceRefused
from skill_packs.build import build_pack
from skill_packs.licences import EpisodesBlocked, check_licences, terms_of, why_blocked
from tests.skill_packs.make_pack import make_inputs, make_rows, make_skill


@pytest.mark.parametrize(
    ("licence", "blocks_priced", "blocks_free"),
    [
        ("apache-2.0", None, None),
        ("CC-BY-4.0", None, None),
        ("cc0-1.0", None, None),
        ("MIT AND cc-by-4.0", None, None),
        ("CC-BY-NC-4.0 OR MIT", None, None),
        ("other OR MIT", "has read", "has read"),
        ("cc-by-nc-4.0", "no commercial use", None),
        ("MIT AND CC-BY-NC-4.0", "no commercial use", None),
        ("cc-by-nc-sa-4.0", "no commercial use", None),
        ("cc-by-sa-4.0", "shared alike", None),
        ("cc-by-nd-4.0", "no derivatives", "no derivatives"),
        ("cc-by-nc-nd-4.0", "no derivatives", "no derivatives"),
        (None, "no licence is stated", "no licence is stated"),
        ("", "no licence is stated", "no licence is stated"),
        ("other", "has read", "has read"),
        ("GPL-2.0-only", "has read", "has read"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "has read", "has read"),
        ("MIT AND (", "has read", "has read"),
    ],
)
def test_the_policy(licence, blocks_priced, blocks_free):
    for is_priced, expected in ((True, blocks_priced), (False, blocks_free)):
        why = why_blocked(licence, is_priced=is_priced)
        assert (why is None) if expected is None else (expected in why)


def test_both_sides_of_an_and_are_asked_for():
    assert terms_of("CC0-1.0").attribution is False
    assert terms_of("CC0-1.0 AND MIT").attribution is True


def test_a_priced_pack_with_a_non_commercial_episode_is_refused(tmp_path, signer):
    rows = make_rows(licences=("cc-by-4.0", "cc-by-4.0", "cc-by-nc-4.0", None))
    with pytest.raises(LicenceRefused, match=r"2 episodes may not be used in a priced pack") as refused:
        build_pack(tmp_path / "packs", make_inputs(tmp_path / "inputs", rows=rows), signer)
    assert set(refused.value.blocking) == {"anna__buttons/000002", "bo__buttons/000003"}
    assert "anna__buttons/000002 (cc-by-nc-4.0 permits no commercial use)" in str(refused.value)
    assert not (tmp_path / "packs").exists()


def test_a_free_pack_may_hold_non_commercial_episodes_and_says_so(tmp_path, signer):
    rows = make_rows(licences=("cc-by-4.0", "cc-by-nc-4.0"))
    inputs = make_inputs(tmp_path / "inputs", make_skill(price_minor=0), rows=rows)
    licence = build_pack(tmp_path / "packs", inputs, signer).pack.licence
    assert not licence.permits_commercial_use
    assert licence.episodes_by_licence == {"CC-BY-4.0": 2, "CC-BY-NC-4.0": 2}


def test_many_blocking_episodes_are_counted_and_kept():
    rows = [{"dataset_id": "a__b", "episode_index": i, "licence": None} for i in range(25)]
    with pytest.raises(EpisodesBlocked, match="and 15 more") as refused:
        check_licences(rows, is_priced=False)
    assert len(refused.value.blocking) == 25


def test_what_the_base_learnt_from_counts_too(tmp_path, signer):
    inputs = make_inputs(tmp_path / "inputs")
    base = make_rows("base", num_episodes=6, licences=("cc-by-4.0", "apache-2.0"))
    pack = build_pack(tmp_path / "packs", replace(inputs, base_episodes=base), signer)
    assert [(one.dataset, one.licence, one.num_episodes) for one in pack.pack.provenance.base_credits] == [
        ("anna__buttons", "CC-BY-4.0", 3),
        ("bo__buttons", "Apache-2.0", 3),
    ]
    notice = (pack.folder / "NOTICE").read_text()
    assert "base policy was pretrained on recordings by:\n\nanna\n    anna__buttons: 3 episodes, CC-BY-4.0" in notice
    blocked = replace(inputs, base_episodes=make_rows("base", licences=("cc-by-nc-4.0",)))
    with pytest.raises(LicenceRefused, match="the base was pretrained on"):
        build_pack(tmp_path / "other", blocked, signer)
