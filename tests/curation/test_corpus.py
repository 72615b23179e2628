"""The corpus: every candidate in one state with a reason, and a hash that only the data can change."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.corpus import build_corpus
from curation.corpus_copies import credit_order
from data_contracts.errors import LakeError
from data_contracts.manifests import NormalisedDataset


def _states(corpus):
    return {entry.dataset: (entry.state, entry.reason) for entry in corpus.manifest.datasets}


def _fill(tiny_lake, *, confidence: float = 0.9, shuffled: int | None = None) -> None:
    datasets = [
        lambda: tiny_lake.add("ada__push", ["p1", "p2", "p3"], rejected={1: "motion.static"}, confidence=confidence),
        lambda: tiny_lake.add("bob__fork", ["p1", "q1"], confidence=confidence, warned={"motion.long_idle": [1]}),
        lambda: tiny_lake.add("cyd__copy", ["p3", "q1"], confidence=confidence),
        lambda: tiny_lake.add("dan__broken", ["r1"], reason="structure.missing_data"),
    ]
    if shuffled is not None:
        random.Random(shuffled).shuffle(datasets)
    for add in datasets:
        add()


def test_every_candidate_ends_in_one_state_with_its_reason(tiny_lake):
    _fill(tiny_lake)
    corpus = build_corpus(tiny_lake.lake, tiny_lake.listing, {})
    assert _states(corpus) == {
        "ada__push": ("accepted", None),
        "bob__fork": ("accepted", None),
        "cyd__copy": (
            "rejected", "duplicate.exact_copy of ada__push/000002; all 2 usable episodes are copies",
        ),
        "dan__broken": ("rejected", "structure.missing_data"),
    }  # fmt: skip
    assert [(e.dataset, e.episode_index) for e in corpus.manifest.episodes if e.is_kept] == [
        ("ada__push", 0), ("ada__push", 2), ("bob__fork", 1),
    ]  # fmt: skip
    counts = {
        d.dataset: (d.num_episodes, d.num_frames, d.num_episodes_kept, d.num_frames_kept)
        for d in corpus.manifest.datasets
    }
    assert counts["ada__push"] == (3, 90, 2, 60)
    assert counts["cyd__copy"] == (2, 60, 0, 0)


def test_table_holds_every_episode_and_says_why_it_is_out(tiny_lake):
    _fill(tiny_lake)
    table = build_corpus(tiny_lake.lake, tiny_lake.listing, {}).episodes
    reasons = {(d, e): r for d, e, r in table.select("dataset_id", "episode_index", "reason").rows()}
    assert reasons == {
        ("ada__push", 0): None,
        ("ada__push", 1): "motion.static",
        ("ada__push", 2): None,
        ("bob__fork", 0): "duplicate.exact_copy of ada__push/000000",
        ("bob__fork", 1): None,
        ("cyd__copy", 0): "duplicate.exact_copy of ada__push/000002",
        ("cyd__copy", 1): "duplicate.exact_copy of bob__fork/000001",
        ("dan__broken", 0): "structure.missing_data",
    }
    kept = table.filter(dataset_id="bob__fork", episode_index=1).row(0, named=True)
    assert kept["warnings"] == ["motion.long_idle"]
    assert (kept["camera_top"], kept["camera_wrist"], kept["camera_side"]) == (
        "observation.images.overhead", "observation.images.gripper_cam", None,
    )  # fmt: skip
    assert (kept["state_size"], kept["action_size"], kept["fps"], kept["normalised_index"]) == (2, 3, 30.0, 1)
    out = table.filter(dataset_id="dan__broken").row(0, named=True)
    assert (out["state_size"], out["episode_hash"], out["fps"]) == (None, None, 30.0)
    copy = table.filter(dataset_id="cyd__copy", episode_index=0).row(0, named=True)
    assert (copy["copy_of"], copy["copy_kind"], copy["cluster_size"], copy["split"]) == (
        "ada__push/000002", "exact", 2, "train",
    )  # fmt: skip


def test_warning_about_the_whole_dataset_reaches_every_episode(tiny_lake):
    tiny_lake.add("ada__push", ["p1", "p2"], warned={"provenance.licence_absent": None, "motion.tremor": [1]})
    table = build_corpus(tiny_lake.lake, tiny_lake.listing, {}).episodes
    assert table["warnings"].to_list() == [
        ["provenance.licence_absent"],
        ["motion.tremor", "provenance.licence_absent"],
    ]


def test_codes_are_kept_apart_by_question_and_by_what_they_name(tiny_lake):
    codes = {
        "text.empty_task": None,
        "motion.tremor": [1],
        "motion.dead_dimension": [1],
        "agreement.video_joint_mismatch": [0],
    }
    tiny_lake.add("ada__push", ["p1", "p2"], warned=codes)
    corpus = build_corpus(tiny_lake.lake, tiny_lake.listing, {})
    (dataset,) = corpus.manifest.datasets
    assert (dataset.integrity, dataset.task_evidence) == ({}, {"text.empty_task": "warn"})
    first, second = corpus.manifest.episodes
    assert (first.integrity, first.task_evidence) == ({}, {"agreement.video_joint_mismatch": "warn"})
    assert (second.integrity, second.task_evidence) == ({"motion.dead_dimension": "note", "motion.tremor": "warn"}, {})
    assert corpus.episodes["notes"].to_list() == [[], ["motion.dead_dimension"]]


def test_what_only_the_whole_corpus_shows_stands_with_the_findings_and_gates_nothing(tiny_lake):
    for number in range(12):
        offset = 300.0 if number == 7 else 0.0
        tiny_lake.add(
            f"lab-{number}__push",
            [f"p{number}"],
            joints={"shoulder_pan": (offset - 90, offset + 90), "b": (-100.0, 200.0)},
        )
    tiny_lake.add("zed__copy", ["p3"])
    corpus = build_corpus(tiny_lake.lake, tiny_lake.listing, {})
    found = {(row["dataset_id"], row["code"]) for row in corpus.findings.to_dicts()}
    assert found == {
        ("lab-7__push", "motion.calibration_offset"),
        ("zed__copy", "duplicate.exact_copy"),
        ("zed__copy", "duplicate.cross_contributor"),
    }
    rows = {row["dataset_id"]: row for row in corpus.episodes.to_dicts()}
    assert (rows["lab-7__push"]["is_kept"], rows["lab-7__push"]["notes"]) == (True, ["motion.calibration_offset"])
    assert rows["zed__copy"]["warnings"] == ["duplicate.exact_copy"]
    entry = next(d for d in corpus.manifest.datasets if d.dataset == "lab-7__push")
    assert entry.integrity == {"motion.calibration_offset": "note"}


def test_an_episode_lost_while_normalising_is_left_out_alone(tiny_lake):
    tiny_lake.add("ada__push", ["p1", "p2"])
    path = tiny_lake.lake.normalised("ada__push") / "meta" / "deftworks.json"
    manifest = NormalisedDataset.read(path)
    lost = {manifest.episodes[1].episode_index: "its second video ends early"}
    manifest.model_copy(update={"episodes": manifest.episodes[:1], "lost": lost}).write(path)
    corpus = build_corpus(tiny_lake.lake, tiny_lake.listing, {})
    assert corpus.episodes["reason"].to_list() == [None, "its second video ends early"]
    assert _states(corpus) == {"ada__push": ("accepted", None)}


def test_what_the_crawl_could_not_have_is_in_the_state_that_it_says(tiny_lake):
    tiny_lake.crawled("ada__push", "gone", reason="404: it was deleted.", sha="a" * 40)
    tiny_lake.crawled("bob__fork", "gated", reason="It asks for consent.")
    tiny_lake.crawled("cyd__copy", "unreachable", reason="429 after 5 attempts.", retry_at="2026-11-23T00:00:00Z")
    tiny_lake.add("dan__had", ["p1"], source="hub:tag")
    tiny_lake.crawled("dan__had", "fetched")
    corpus = build_corpus(tiny_lake.lake, tiny_lake.listing, {"cyd__copy": "raw_dataset: SourceUnavailable"})
    assert _states(corpus) == {
        "ada__push": ("gone", "404: it was deleted."),
        "bob__fork": ("gated", "It asks for consent."),
        "cyd__copy": ("unreachable", "429 after 5 attempts."),
        "dan__had": ("accepted", None),
    }
    assert corpus.manifest.datasets[0].revision == "hub:" + "a" * 40
    assert "2026" not in str(corpus.manifest.to_json())


def test_what_an_earlier_crawl_left_does_not_hide_that_the_dataset_is_gone(tiny_lake):
    tiny_lake.add("ada__push", ["p1"], source="hub:tag")
    tiny_lake.crawled("ada__push", "gone", reason="404")
    corpus = build_corpus(tiny_lake.lake, tiny_lake.listing, {})
    assert _states(corpus) == {"ada__push": ("gone", "404")}
    assert corpus.manifest.episodes == ()


def test_credit_goes_to_the_first_published_then_to_the_undated_and_uploads_come_last(tiny_lake):
    tiny_lake.add("ada__upload", ["p1"], source="uploads:", published_at="2020-01-01T00:00:00Z")
    tiny_lake.add("bob__undated", ["p1"])
    tiny_lake.add("cyd__late", ["p1"], published_at="2025-06-01T00:00:00+02:00")
    tiny_lake.add("dan__early", ["p1"], published_at="2025-05-31T22:30:00Z")
    dates = {
        "ada__upload": "2020-01-01T00:00:00Z",
        "cyd__late": "2025-06-01T00:00:00+02:00",
        "dan__early": "2025-05-31T22:30:00Z",
    }
    order = credit_order(tiny_lake.listing, dates)
    assert order == ["cyd__late", "dan__early", "bob__undated", "ada__upload"]
    tiny_lake.write_duplicates(tuple(order))
    assert [s for s, _ in _states(build_corpus(tiny_lake.lake, tiny_lake.listing, {})).values()] == [
        "rejected", "rejected", "accepted", "rejected",
    ]  # fmt: skip
    failed = _states(build_corpus(tiny_lake.lake, tiny_lake.listing, {"cyd__late": "broke"}))
    assert failed["dan__early"] == ("accepted", None)
    assert failed["bob__undated"] == ("rejected", "duplicate.exact_copy of dan__early/000000")


def test_near_copy_is_left_out_while_its_original_is_accepted(tiny_lake):
    tiny_lake.add("ada__push", ["p1"])
    tiny_lake.add("bob__trim", ["p2", "p3"])
    tiny_lake.write_near_copy(("bob__trim", 0), ("ada__push", 0), split="evaluation")
    corpus = build_corpus(tiny_lake.lake, tiny_lake.listing, {})
    assert corpus.episodes["reason"].to_list() == [None, "duplicate.near_copy of ada__push/000000", None]
    assert corpus.episodes["split"].to_list() == ["evaluation", "evaluation", "train"]
    alone = build_corpus(tiny_lake.lake, tiny_lake.listing, {"ada__push": "broke"})
    assert alone.episodes["is_kept"].to_list() == [False, True, True]


def test_reasons_are_rounded_and_name_no_place_before_they_are_hashed(tiny_lake):
    tiny_lake.add("ada__push", ["p1"], reason=f"{tiny_lake.lake.home}/x moved 0.30000000000000004 degrees")
    (entry,) = build_corpus(tiny_lake.lake, tiny_lake.listing, {}).manifest.datasets
    assert entry.reason == "x moved 0.3000 degrees"


def test_failed_partition_is_quarantined_and_its_copy_takes_the_place_of_the_original(tiny_lake):
    _fill(tiny_lake)
    failure = f"DatasetUnreadable: {tiny_lake.lake.home}/normalised/ada__push cannot be written."
    corpus = build_corpus(tiny_lake.lake, tiny_lake.listing, {"ada__push": failure})
    states = _states(corpus)
    assert states["ada__push"] == ("quarantined", "DatasetUnreadable: normalised/ada__push cannot be written.")
    assert states["cyd__copy"] == ("accepted", None)
    assert [(e.dataset, e.episode_index) for e in corpus.manifest.episodes if e.is_kept] == [
        ("bob__fork", 0), ("bob__fork", 1), ("cyd__copy", 0),
    ]  # fmt: skip
    ada = corpus.episodes.filter(dataset_id="ada__push")
    assert not ada["is_kept"].any()
    assert ada["reason"].to_list()[1] == "motion.static"


@pytest.mark.parametrize("stage", ["raw", "findings", "normalised", "task_labels", "camera_roles"])
def test_dataset_with_a_missing_stage_is_quarantined_and_the_rest_is_built(tiny_lake, stage):
    _fill(tiny_lake)
    folder: Path = getattr(tiny_lake.lake, stage)("bob__fork")
    folder.rename(folder.with_name("gone"))
    states = _states(build_corpus(tiny_lake.lake, tiny_lake.listing, {}))
    state, reason = states["bob__fork"]
    assert state == "quarantined"
    assert "cannot be read" in reason
    assert str(tiny_lake.lake.home) not in reason
    assert states["ada__push"] == ("accepted", None)


def test_outdated_normalised_dataset_is_quarantined(tiny_lake):
    tiny_lake.add("ada__push", ["p1"])
    raw = tiny_lake.lake.raw("ada__push") / "raw.json"
    raw.write_text(raw.read_text().replace("rev-ada__push", "rev-later"))
    state, reason = _states(build_corpus(tiny_lake.lake, tiny_lake.listing, {}))["ada__push"]
    assert state == "quarantined"
    assert "another revision" in reason


def test_outdated_duplicates_table_is_refused(tiny_lake):
    tiny_lake.add("ada__push", ["p1"])
    before = (tiny_lake.lake.duplicates / "duplicates.parquet").read_bytes()
    tiny_lake.add("bob__more", ["q1"])
    (tiny_lake.lake.duplicates / "duplicates.parquet").write_bytes(before)
    with pytest.raises(LakeError, match="bob__more/000000"):
        build_corpus(tiny_lake.lake, tiny_lake.listing, {})


def test_empty_listing_gives_an_empty_corpus(tiny_lake):
    corpus = build_corpus(tiny_lake.lake, tiny_lake.listing, {})
    assert corpus.manifest.datasets == ()
    assert corpus.episodes.is_empty()


@pytest.mark.parametrize("seed", range(4))
def test_hash_depends_neither_on_the_place_of_the_lake_nor_on_order_nor_on_confidence(tmp_path, tiny_lake, seed):
    _fill(tiny_lake)
    elsewhere = type(tiny_lake)(tmp_path / "another" / "place")
    _fill(elsewhere, confidence=0.4, shuffled=seed)
    failures = {"bob__fork": "broke in {home}/normalised/bob__fork"}
    first, second = (
        build_corpus(t.lake, t.listing, {k: v.format(home=t.lake.home) for k, v in failures.items()})
        for t in (tiny_lake, elsewhere)
    )
    assert first.manifest.digest() == second.manifest.digest()
    assert first.episodes.equals(second.episodes)
    assert "confidence" not in str(first.manifest.to_json())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(4)))
def test_order_of_the_listing_changes_nothing(tiny_lake, order):
    if tiny_lake.listing.is_empty():
        _fill(tiny_lake)
    sorted_listing = build_corpus(tiny_lake.lake, tiny_lake.listing, {})
    shuffled = build_corpus(tiny_lake.lake, tiny_lake.listing[order], {})
    assert shuffled.manifest.digest() == sorted_listing.manifest.digest()
    assert shuffled.episodes.equals(sorted_listing.episodes)


def test_hash_changes_with_the_data(tmp_path, tiny_lake):
    tiny_lake.add("ada__push", ["p1"])
    other = type(tiny_lake)(tmp_path / "other")
    other.add("ada__push", ["p1"], label="Open the drawer")
    digests = {build_corpus(t.lake, t.listing, {}).manifest.digest() for t in (tiny_lake, other)}
    assert len(digests) == 2
