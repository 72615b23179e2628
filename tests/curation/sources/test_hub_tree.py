"""Trees of commits are foreign input: what a disk must not hold is refused before anything is written."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from curation.sources.hub.tree import RemoteFile, part_of, pin
from curation.sources.hub.verify import difference
from data_contracts.errors import NotAsPinned

BLOB = "0" * 40


def entry(path, size=3, blob_id=BLOB, lfs=None):
    return SimpleNamespace(path=path, size=size, blob_id=blob_id, lfs=lfs)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "../outside.parquet", "data/../../outside.parquet", "data//x.parquet", "data/./x.parquet",
        "data/x\0.parquet", "data\\..\\..\\x.parquet", "C:/x.parquet", "", "data/line\nbreak.parquet", "d" * 300 + ".parquet",
        "x/" * 600 + "y.parquet", "data/\ud800.parquet", None, 7,
    ],
)  # fmt: skip
def test_paths_that_lead_elsewhere_are_refused(path) -> None:
    with pytest.raises(NotAsPinned, match="cannot be written to a disk"):
        pin([entry("meta/info.json"), entry(path)], "ann/cubes")


@pytest.mark.parametrize(
    "paths",
    [
        ("meta/info.json", "meta/INFO.json"),
        ("data/é.parquet", "data/e\u0301.parquet"),
        ("data/a.parquet", "data/a.parquet/b.parquet"),
        ("data/a.parquet", "data/a.parquet"),
    ],
)
def test_paths_that_some_disks_cannot_tell_apart_are_refused(paths) -> None:
    with pytest.raises(NotAsPinned):
        pin([entry(path) for path in paths], "ann/cubes")


@pytest.mark.parametrize(
    "changes", [{"size": -1}, {"size": "3"}, {"size": True}, {"blob_id": "../x"}, {"blob_id": None}]
)
def test_entries_that_are_none_are_refused(changes) -> None:
    with pytest.raises(NotAsPinned):
        pin([entry("meta/info.json", **changes)], "ann/cubes")


def test_more_files_than_any_dataset_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.sources.hub.tree.MOST_FILES", 100)
    assert len(pin([entry(f"data/{number}.parquet") for number in range(100)], "ann/cubes").parts["rows"]) == 100
    with pytest.raises(NotAsPinned, match="more than 100 files"):
        pin((entry(f"data/{number}.parquet") for number in range(101)), "ann/cubes")


def test_only_what_a_dataset_can_need_is_fetched() -> None:
    wanted = {
        "README.md": "metadata", "meta/info.json": "metadata", "meta/episodes/chunk-000/file-000.parquet": "metadata",
        "data/chunk-000/episode_000000.parquet": "rows", "odd/place/file-000.parquet": "rows",
        "videos/chunk-000/top/episode_000000.mp4": "videos", "videos/top/chunk-000/file-000.MP4": "videos",
        ".gitattributes": None, "images/top/episode_000000/frame.png": None, "images/top/clip.mp4": None,
        "data/.cache/x.parquet": None, "model.safetensors": None, "videos/notes.txt": None,
    }  # fmt: skip
    assert {path: part_of(path) for path in wanted} == wanted
    tree = pin([entry(path, 10) for path in wanted], "ann/cubes")
    assert (tree.num_other, tree.other_bytes, tree.total_bytes) == (6, 60, 70)


def test_a_difference_names_file_expected_and_found(tmp_path: Path) -> None:
    content = b"hello"
    blob = hashlib.sha1(b"blob 5\0hello").hexdigest()
    file = RemoteFile("data/x.parquet", 5, None, hashlib.sha256(content).hexdigest())
    path = tmp_path / "x"
    assert "found nothing" in (difference(path, file) or "")
    path.write_bytes(content)
    assert difference(path, file) is None
    assert difference(path, RemoteFile("x", 5, blob, None)) is None
    path.write_bytes(b"hallo")
    said = difference(path, file) or ""
    assert "data/x.parquet: expected 5 bytes with sha256 2cf24dba" in said
    assert "found 5 bytes with d3751d33" in said
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    assert "found a Git LFS pointer" in (difference(path, file) or "")
