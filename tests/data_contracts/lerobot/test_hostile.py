"""Nothing that somebody may have written into a dataset makes the reader fail with anything but our own errors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data_contracts.errors import DeftworksError
from data_contracts.lerobot import open_dataset

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def read_everything(folder: Path) -> None:
    """Opens a dataset and asks for all it has; errors of ours are fine."""
    try:
        dataset = open_dataset(folder)
    except DeftworksError:
        return
    assert all(finding.model_dump_json() for finding in dataset.findings)
    for index in dataset.episode_indices[:4]:
        assert all(finding.model_dump_json() for finding in dataset.check_episode(index))
        try:
            episode = dataset.episode(index)
            assert len(episode.state_TS) == len(episode.action_TA) == len(episode.timestamps_s) == episode.num_frames
            assert isinstance(episode.task, str)
            for camera in dataset.camera_keys:
                if episode.has_video(camera):
                    episode.frames(camera).decode([0])
        except (DeftworksError, IndexError):
            continue


def paths_in(value: object, before: tuple = ()) -> list[tuple]:
    """Returns the path of every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(path for key, child in inner for path in paths_in(child, (*before, key)))]


def put(value: object, path: tuple, new: object) -> object:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
@given(data=st.data())
@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=SLOW)
def test_any_value_anywhere_in_info(stored, tmp_path, version, data):
    folder = tmp_path / "dataset"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stored[version], folder)
    info = json.loads((folder / "meta/info.json").read_text())
    path = data.draw(st.sampled_from(paths_in(info)))
    (folder / "meta/info.json").write_text(json.dumps(put(info, path, data.draw(VALUES))))
    read_everything(folder)


@pytest.mark.parametrize("name", ["tasks.jsonl", "episodes.jsonl", "episodes_stats.jsonl"])
@given(data=st.data())
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=SLOW)
def test_any_value_anywhere_in_tables(stored, tmp_path, name, data):
    folder = tmp_path / "dataset"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stored["v2.1"], folder)
    rows = [json.loads(line) for line in (folder / "meta" / name).read_text().splitlines()]
    path = data.draw(st.sampled_from(paths_in(rows)).filter(bool))
    changed = put(rows, path, data.draw(VALUES))
    (folder / "meta" / name).write_text("".join(json.dumps(row) + "\n" for row in changed))
    read_everything(folder)


CELLS = st.none() | st.integers(-5, 2**40) | st.floats() | st.text(max_size=4) | st.lists(st.floats(), max_size=3)


@pytest.mark.parametrize(
    "name", ["meta/tasks.parquet", "meta/episodes/chunk-000/file-000.parquet", "data/chunk-000/file-000.parquet"]
)
@given(data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=SLOW)
def test_any_column_of_a_table(stored, tmp_path, name, data):
    folder = tmp_path / "dataset"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stored["v3.0"], folder)
    table = pq.ParquetFile(folder / name).read()
    column = data.draw(st.sampled_from(table.column_names))
    cell = data.draw(CELLS)
    changed = pa.array([cell] * table.num_rows)
    place = table.column_names.index(column)
    if data.draw(st.booleans()):
        table = table.set_column(place, column, changed)
    else:
        table = table.append_column(column, changed)
    pq.write_table(table, folder / name)
    read_everything(folder)


@pytest.mark.parametrize("name", ["meta/info.json", "meta/episodes.jsonl", "data/chunk-000/episode_000000.parquet"])
@given(at=st.integers(0, 2000), noise=st.binary(min_size=1, max_size=40))
@example(at=4, noise=b"\xff" * 40)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=SLOW)
def test_any_bytes(stored, tmp_path, name, at, noise):
    folder = tmp_path / "dataset"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stored["v2.1"], folder)
    content = (folder / name).read_bytes()
    at %= len(content)
    (folder / name).write_bytes(content[:at] + noise + content[at + len(noise) :])
    read_everything(folder)
