"""Releases of the catalogue: what the shop shows. A release is a folder that never changes; a pointer says which one counts.

<lake>/releases/
  CURRENT               ReleasePointer, moved atomically
  <number>/
    release.json        what is in it: {"digest", "packs"}
    catalogue.duckdb    see release_tables
    media/<skill>/<version>/    recordings, and poster.jpg

A DuckDB file that a process has open cannot be written by another, so that none is ever written twice. Only packs that
verify with the keys pinned in the lake get in. Building packs is `skill_packs`' business.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from data_contracts.catalogue import CATALOGUE
from data_contracts.errors import LakeError
from data_contracts.layout import Lake
from data_contracts.manifests import ReleasePointer
from data_contracts.skill_pack import SkillPack
from data_contracts.stages import digest_of, file_sha256, remove_folder, write_json
from marketplace.posters import write_poster
from marketplace.release_tables import tables
from skill_packs.signing import read_trusted_keys
from skill_packs.verify import VerifiedPack, verify_pack

POINTER = "CURRENT"
CATALOGUE_FILE = "catalogue.duckdb"
RELEASE_FILE = "release.json"
POSTER = "poster.jpg"
FORMAT = 2
"""Part of a release's digest: raise it when the tables or the media of a release change their form."""


def build_release(lake: Lake, packs: Sequence[Path]) -> ReleasePointer:
    """Returns the pointer to a release that holds exactly `packs`, having made it current.

    The same packs as in an earlier release give that release again, not a new one. A stop in between leaves the shop as it
    was.

    Raises:
        PackError: a pack does not verify with the lake's pinned keys, or lies outside the lake; nothing is released.
    """
    trusted = read_trusted_keys(lake.keys)
    verified = sorted((verify_pack(folder, trusted) for folder in packs), key=lambda one: one.pack.skill_id)
    for one in verified:
        if not one.folder.is_relative_to(lake.home):
            raise LakeError(f"{one.folder} lies outside the lake {lake.home}.", hint="Release packs of this lake.")
    content = {
        "format": FORMAT,
        "packs": [[one.pack.skill_id, one.pack.version, one.pack_id, one.key_id] for one in verified],
    }
    digest = digest_of(content)
    number = next((found for found in _numbers(lake) if _digest(lake, found) == digest), None)
    if number is None:
        number = max(_numbers(lake), default=0) + 1
        _write_release(lake, number, digest, verified)
    pointer = ReleasePointer(release=number, catalogue_sha256=file_sha256(lake.releases / str(number) / CATALOGUE_FILE))
    if _read_pointer(lake) != pointer:
        pointer.write(lake.releases / POINTER)
    return pointer


def open_catalogue(lake: Lake) -> Catalogue:
    """Returns the current release, for reading.

    Raises:
        LakeError: nothing was released yet, or the release is missing, was changed, or is of another form than this code reads.
    """
    import duckdb

    pointer = _read_pointer(lake)
    if pointer is None:
        raise LakeError("Nothing was released yet.", hint="Build skill packs and a catalogue release: deftworks demo.")
    folder = lake.releases / str(pointer.release)
    try:
        if file_sha256(folder / CATALOGUE_FILE) != pointer.catalogue_sha256:
            raise LakeError(f"The catalogue of release {pointer.release} was changed.", hint="Build the release again.")
        connection = duckdb.connect(str(folder / CATALOGUE_FILE), read_only=True)
        columns = [name for name, *_ in connection.execute("DESCRIBE catalogue").fetchall()]
    except (OSError, duckdb.Error) as error:
        raise LakeError(
            f"Release {pointer.release} cannot be read: {error}.", hint="Build the release again."
        ) from error
    if columns != list(CATALOGUE.schema):
        connection.close()
        raise LakeError(
            f"Release {pointer.release} was made by another version of Deftworks.",
            hint="Build a release again, from the same packs: materialise catalogue_release, or run deftworks demo.",
        )
    return Catalogue(lake, pointer, folder, connection)


class Catalogue:
    """A release that never changes, so that its answers may be kept. Safe to use from several threads."""

    def __init__(self, lake: Lake, pointer: ReleasePointer, folder: Path, connection: Any) -> None:
        self.lake, self.pointer, self.folder = lake, pointer, folder
        self._connection = connection

    def packs(self) -> list[dict[str, Any]]:
        """Returns the rows of table CATALOGUE, best evidence first: by the lower end of the success interval."""
        return self.query("SELECT * FROM catalogue ORDER BY success_low DESC, num_rollouts DESC, skill_id").to_dicts()

    def pack(self, skill_id: str) -> SkillPack:
        """Returns the manifest of a pack in this release, or raises LakeError."""
        return SkillPack.model_validate_json(self._row(skill_id)["manifest"])

    def pack_id(self, skill_id: str) -> str:
        """Returns the digest of a pack's manifest, or raises LakeError."""
        return self._row(skill_id)["pack_id"]

    def _row(self, skill_id: str) -> dict[str, Any]:
        rows = self.query("SELECT pack_id, manifest FROM packs WHERE skill_id = ?", skill_id)
        if rows.is_empty():
            raise LakeError(
                f"No pack {skill_id!r} is in this release.",
                hint="It may have been taken out; see what is on the shelf.",
            )
        return rows.row(0, named=True)

    def contributors(self, skill_id: str) -> list[dict[str, Any]]:
        """Returns who taught a pack: contributor, num_episodes, num_frames, licences; most frames first."""
        return self.query(
            "SELECT contributor, num_episodes, num_frames, licences FROM contributors WHERE skill_id = ? "
            "ORDER BY num_frames DESC, contributor", skill_id,
        ).to_dicts()  # fmt: skip

    def datasets(self, skill_id: str) -> list[dict[str, Any]]:
        """Returns which recordings taught a pack: contributor, dataset_id, licences, num_episodes, num_frames; by contributor."""
        return self.query(
            "SELECT contributor, dataset_id, list_sort(list(DISTINCT licence)) AS licences, count(*) AS num_episodes, "
            "sum(num_frames)::BIGINT AS num_frames FROM episodes WHERE skill_id = ? GROUP BY ALL ORDER BY contributor, dataset_id",
            skill_id,
        ).to_dicts()  # fmt: skip

    def episodes(self, skill_id: str, dataset_id: str, first: int, count: int) -> list[dict[str, Any]]:
        """Returns some of the episodes of a dataset that taught a pack: episode_index, episode_hash, licence, num_frames."""
        return self.query(
            "SELECT episode_index, episode_hash, licence, num_frames FROM episodes WHERE skill_id = ? AND dataset_id = ? "
            "ORDER BY episode_index LIMIT ? OFFSET ?", skill_id, dataset_id, count, first,
        ).to_dicts()  # fmt: skip

    def rates(self, skill_id: str) -> list[dict[str, Any]]:
        """Returns successes by policy and world, with 95% Wilson intervals: policy, world, num_successes, num_rollouts, low, high."""
        return self.query(
            "SELECT policy, world, num_successes, num_rollouts, low, high FROM rates WHERE skill_id = ? ORDER BY world, policy",
            skill_id,
        ).to_dicts()

    def media(self, skill_id: str, version: str) -> Path:
        """Returns the folder of a pack's recordings and poster; it may lack files that a release could not make."""
        return self.folder / "media" / skill_id / version

    def query(self, sql: str, *parameters: Any) -> pl.DataFrame:
        """Returns the answer of a query over this release's tables (see release_tables)."""
        return self._connection.cursor().sql(sql, params=list(parameters)).pl()


def _write_release(lake: Lake, number: int, digest: str, verified: Sequence[VerifiedPack]) -> None:
    scratch = lake.releases / f".{number}.partial"
    remove_folder(scratch)
    scratch.mkdir(parents=True)
    try:
        _write_tables(scratch / CATALOGUE_FILE, tables(verified, lake, _first_releases(lake, number, verified)))
        for one in verified:
            _write_media(one, scratch / "media" / one.pack.skill_id / one.pack.version)
        packs = {one.pack.skill_id: one.pack.version for one in verified}
        write_json(scratch / RELEASE_FILE, {"digest": digest, "packs": packs})
        scratch.rename(lake.releases / str(number))
    finally:
        remove_folder(scratch)


def _first_releases(lake: Lake, number: int, verified: Sequence[VerifiedPack]) -> dict[tuple[str, str], int]:
    """Returns the first release of this lake that held each pack: `number`, unless an earlier one did."""
    first = {(one.pack.skill_id, one.pack.version): number for one in verified}
    for earlier in _numbers(lake):  # newest first, so that the oldest has the last word
        first |= {pack: earlier for pack in _content(lake, earlier).get("packs", {}).items() if pack in first}
    return first


def _write_tables(path: Path, frames: dict[str, pl.DataFrame]) -> None:
    import duckdb

    with duckdb.connect(str(path)) as connection:
        for name, frame in frames.items():
            connection.register("rows", frame.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
            connection.unregister("rows")


def _write_media(verified: VerifiedPack, target: Path) -> None:
    """Links the recordings and makes a poster of the first success, else of the first failure."""
    target.mkdir(parents=True)
    videos = sorted(verified.pack.videos, key=lambda video: (not video.is_success, video.path))
    for video in videos:
        source = verified.folder / video.path
        try:
            os.link(source, target / source.name)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, target / source.name)
    if videos:
        write_poster(verified.folder / videos[0].path, target / POSTER)


def _numbers(lake: Lake) -> list[int]:
    """Returns the numbers of finished releases, newest first."""
    folders = lake.releases.iterdir() if lake.releases.is_dir() else ()
    return sorted((int(path.name) for path in folders if path.name.isdigit()), reverse=True)


def _digest(lake: Lake, number: int) -> str | None:
    return _content(lake, number).get("digest")


def _content(lake: Lake, number: int) -> dict[str, Any]:
    """Returns release.json; nothing where it is damaged."""
    try:
        content = json.loads((lake.releases / str(number) / RELEASE_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _read_pointer(lake: Lake) -> ReleasePointer | None:
    path = lake.releases / POINTER
    return ReleasePointer.read(path) if path.is_file() else None
