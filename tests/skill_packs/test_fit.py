"""Nothing is said to run that a person labelled as not running, and every refusal names its reason."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skill_packs.fit import Fit, Machine, check_fit
from skill_packs.pack_needs import PackNeeds, read_pack_needs
from tests.skill_packs.fit_pairs import MAPPED, NOT, PAIRS, RUNS, Pair, cameras
from tests.skill_packs.make_robots import (
    HONEST,
    PACKS,
    RECORDED,
    SO,
    TO_RADIANS,
    Files,
    changed,
    converted,
    reordered,
)


def fit_of(pair: Pair) -> Fit:
    return check_fit(PACKS[pair.pack], pair.files.profile(), pair.machine)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_answer_is_the_labelled_one(pair):
    fit = fit_of(pair)
    assert fit.answer == pair.answer, fit.sentence
    if pair.answer == NOT:
        assert pair.item in [item.name for item in fit.obstacles], fit.obstacles
    elif pair.item:
        (item,) = [item for item in fit.items if item.name == pair.item]
        assert item.verdict == "mapped" if pair.answer == MAPPED else item.verdict in ("warning", "unknown")


def test_enough_pairs_of_every_answer():
    counts = Counter(pair.answer for pair in PAIRS)
    assert counts[NOT] >= 40
    assert min(counts[RUNS], counts[MAPPED]) >= 5


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair.answer == NOT], ids=lambda pair: pair.name)
def test_what_does_not_run_says_so_and_offers_no_mapping(pair):
    fit = fit_of(pair)
    assert not fit.is_running
    assert fit.sentence.startswith("This pack does not run")
    assert not fit.mapping.rename_map


def test_a_fit_is_plain_values():
    fit = check_fit(PACKS["degrees"], HONEST.with_(**cameras(front="laptop", wrist="phone")).profile(), Machine(2**34))
    document = json.loads(json.dumps(fit.to_json()))
    assert document["answer"] == MAPPED
    assert {"name", "verdict", "reason", "is_vital"} == set(document["items"][0])
    names = [item["name"] for item in document["items"]]
    assert names == [
        "robot", "state joints", "action joints", "state units", "action units", "calibration", "ranges", "state distribution",
        "fps", "camera front", "picture front", "camera wrist", "picture wrist", "memory", "latency", "LeRobot",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (HONEST.with_(**cameras(front="laptop", wrist="phone")), {"laptop": "camera1", "phone": "camera2"}),
        (HONEST.with_(roles={"front": "camera2", "wrist": "camera1"}), {"camera1": "camera2", "camera2": "camera1"}),
        (HONEST.with_(**cameras(front="desk", side="camera1", wrist="camera2")), {"camera1": "unused_camera1", "desk": "camera1"}),
        (HONEST.with_(**cameras(front="camera2", wrist="hand")), {"camera2": "camera1", "hand": "camera2"}),
    ],
)  # fmt: skip
def test_the_rename_map_puts_every_camera_where_it_belongs_and_no_other(files, expected):
    fit = check_fit(PACKS["degrees"], files.profile())
    prefix = "observation.images."
    assert fit.mapping.rename_map == {prefix + own: prefix + slot for own, slot in expected.items()}
    assert json.loads(fit.mapping.rename_map_json) == fit.mapping.rename_map
    seen = {fit.mapping.rename_map.get(prefix + name, prefix + name): name for name in files.cameras}
    assert [seen[f"{prefix}camera1"], seen[f"{prefix}camera2"]] == [files.roles["front"], files.roles["wrist"]]
    assert len(seen) == len(files.cameras), "two cameras under one key: which of them is seen depends on their order"


def test_a_spare_camera_in_a_slot_that_the_pack_has_not_learnt_is_moved_away():
    files = HONEST.with_(**cameras(front="camera1", wrist="camera2", side="camera3"))
    fit = check_fit(PACKS["degrees"], files.profile())
    assert fit.answer == MAPPED
    assert fit.mapping.rename_map == {"observation.images.camera3": "observation.images.unused_camera3"}


def test_another_order_is_stated_exactly():
    order = (2, 0, 1, 5, 3, 4)
    names = tuple(SO[place] for place in order)
    fit = check_fit(PACKS["degrees"], HONEST.with_(names=names, statistics=reordered(RECORDED, order)).profile())
    assert fit.answer == MAPPED
    assert [names[place] for place in fit.mapping.state_places] == list(SO)
    assert fit.mapping.action_places == fit.mapping.state_places


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(6)), st.permutations(range(6)))
def test_applying_the_stated_order_gives_the_packs(state_order, action_order):
    files = HONEST.with_(
        names=tuple(SO[i] for i in state_order), action_names=tuple(SO[i] for i in action_order),
        statistics=reordered(RECORDED, state_order), action_statistics=reordered(RECORDED, action_order),
    )  # fmt: skip
    fit = check_fit(PACKS["degrees"], files.profile())
    same = list(range(6))
    assert fit.answer == (RUNS if state_order == action_order == same else MAPPED), fit.sentence
    for places, order in ((fit.mapping.state_places, state_order), (fit.mapping.action_places, action_order)):
        assert [order[place] for place in places or same] == same


def test_a_manifest_alone_never_runs():
    bare = PackNeeds(PACKS["degrees"].requirements, num_action_steps=50)
    fit = check_fit(bare, HONEST.profile())
    assert fit.answer == NOT
    assert [item.name for item in fit.obstacles] == ["state distribution"]


def test_a_folder_holds_what_the_manifest_does_not(built):
    needs = read_pack_needs(built.folder)
    assert needs.state.mean == (1.0, 1.0, 1.0)
    assert needs.action.std == (2.0, 2.0, 2.0)
    assert needs.requirements == built.pack.requirements


MUTATIONS = st.one_of(
    st.permutations(range(6)).filter(lambda order: list(order) != sorted(order)).map(
        lambda order: HONEST.with_(names=tuple(SO[i] for i in order), statistics=reordered(RECORDED, order))
    ),
    st.permutations(range(6)).filter(lambda order: list(order) != sorted(order)).map(
        lambda order: HONEST.with_(names=tuple(SO[i] for i in order))
    ),
    st.sampled_from([TO_RADIANS, 1 / TO_RADIANS, 100.0, 0.01, 4095 / 360, 1000.0]).map(
        lambda factor: HONEST.with_(statistics=converted(RECORDED, factor))
    ),
    st.tuples(st.integers(0, 5), st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)).map(
        lambda one: HONEST.with_(names=(*SO[: one[0]], f"x{one[1]}", *SO[one[0] + 1 :]))
    ),
    st.sampled_from(["camera1", "camera2"]).map(
        lambda name: HONEST.with_(
            cameras={k: v for k, v in HONEST.cameras.items() if k != name},
            roles={k: v for k, v in HONEST.roles.items() if v != name},
        )
    ),
    st.integers(1, 12).filter(lambda size: size != 6).map(
        lambda size: HONEST.with_(
            names=(*SO, *(f"joint_{n}.pos" for n in range(12)))[:size],
            statistics={name: (*row, *row)[:size] for name, row in RECORDED.items()},
        )
    ),
    st.tuples(st.integers(0, 4), st.sampled_from([-1, 1]), st.floats(130, 300)).map(
        lambda one: HONEST.with_(statistics=converted(RECORDED, 1, [one[1] * one[2] * (i == one[0]) for i in range(6)]))
    ),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(MUTATIONS)
def test_no_change_of_order_units_names_or_cameras_runs_as_it_is(files: Files):
    assert check_fit(PACKS["degrees"], HONEST.profile()).answer == RUNS
    fit = check_fit(PACKS["degrees"], files.profile())
    assert fit.answer != RUNS, fit


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 4), st.floats(-1e4, 1e4), st.floats(0, 1e3))
def test_a_joint_that_is_far_from_training_never_runs(place, mean, std):
    trained = PACKS["degrees"]
    rows = changed(RECORDED, place, mean=mean, std=std, min=mean - 2 * std, max=mean + 2 * std)
    fit = check_fit(trained, HONEST.with_(statistics=rows).profile())
    z = abs(mean - trained.state.mean[place]) / trained.state.std[place]
    assert fit.answer != RUNS or z <= 6


def test_the_check_reads_no_pack_of_another_size():
    needs = PACKS["degrees"]
    short = replace(needs, requirements=needs.requirements.model_copy(update={"state": needs.requirements.state[:5]}))
    assert check_fit(short, HONEST.profile()).answer == NOT
