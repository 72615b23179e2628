"""What nothing in a lake refers to any more, by rule, and its removal. In doubt something stays.

    unlisted dataset   stages, downloads and failures of a dataset that neither the listing, nor the corpus, nor the skill
                       index, nor the pretraining mixture names
    old commit         a download that neither its dataset's raw.json nor the listing names; downloads under way stay
    scratch            `.x.partial` and `.x.old` of stages whose process died

Never touched: packs, releases, contributions, keys, policies, evaluations, the sample community, training's caches, crawl
records (they say why a dataset is not here), Dagster's own files, and whatever a link leads to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_contracts.catalogue import CORPUS_EPISODES, SKILL_INDEX, SOURCE_LISTING
from data_contracts.errors import ContractError, LakeError
from data_contracts.layout import Lake
from data_contracts.manifests import Manifest, RawDataset
from data_contracts.stages import remove_folder
from data_contracts.tables import TableContract
from pipelines.lake_lock import only_run
from pipelines.lake_usage import PARTS_BY_DATASET, dataset_of_entry, stored_files_of

KEPT_RECORDS = "crawl"
SINGLE_STAGES = ("source_listing", "duplicates", "corpus", "skill_index", "pretraining_mixture")
SCRATCH = (".partial", ".old")


class Garbage(Manifest):
    """One folder or file that may go, by which rule, and what its removal would free on its own."""

    path: str
    rule: str
    why: str
    size_bytes: int


class GarbageReport(Manifest):
    """What may go. `freed_bytes` counts a file only where every one of its hard links goes too."""

    home: str
    garbage: tuple[Garbage, ...]
    freed_bytes: int
    is_deleted: bool = False


def find_garbage(lake: Lake) -> GarbageReport:
    """Returns what nothing refers to any more, by path. Deletes nothing.

    Raises:
        LakeError: the lake has no listing that can be read, so nothing can be said.
    """
    listing = _listing(lake)
    named = set(listing) | _used_datasets(lake)
    found = {path: (rule, why) for path, rule, why in _all_garbage(lake, listing, named)}
    garbage = tuple(
        Garbage(path=str(path.relative_to(lake.home)), rule=rule, why=why, size_bytes=_freed_bytes([path]))
        for path, (rule, why) in sorted(found.items())
    )
    return GarbageReport(home=str(lake.home), garbage=garbage, freed_bytes=_freed_bytes(found))


def delete_garbage(lake: Lake) -> GarbageReport:
    """Deletes what `find_garbage` finds while nothing else works on the lake, and returns what went.

    Raises:
        LakeError: another run works on the lake, or there is no listing.
    """
    with only_run(lake):
        _refuse_while_dagster_works(lake)
        report = find_garbage(lake)
        for garbage in report.garbage:
            _remove(lake, lake.home / garbage.path)
    return report.model_copy(update={"is_deleted": True})


def _all_garbage(lake: Lake, listing: dict[str, str], named: set[str]) -> Iterator[tuple[Path, str, str]]:
    for part in PARTS_BY_DATASET:
        for entry in _entries(lake.home / part):
            dataset = dataset_of_entry(entry.name)
            if part != KEPT_RECORDS and dataset not in named:
                yield entry, "unlisted dataset", f"nothing names {dataset} any more"
            elif part == "hub":
                yield from _old_commits(lake, entry, listing.get(dataset, ""))
            elif _is_scratch(entry):
                yield entry, "scratch", "left by a process that died"
    for entry in _entries(lake.home):
        if _is_scratch(entry) and dataset_of_entry(entry.name) in SINGLE_STAGES:
            yield entry, "scratch", "left by a process that died"


def _old_commits(lake: Lake, folder: Path, stamp: str) -> Iterator[tuple[Path, str, str]]:
    try:
        current = Path(RawDataset.read(lake.raw(folder.name) / "raw.json").path).name
    except ContractError:
        return  # not known which one is used: all stay
    for commit in _entries(folder):
        if not commit.name.startswith(".") and commit.name != current and commit.name not in stamp:
            yield commit, "old commit", f"raw.json names {current}"


def _listing(lake: Lake) -> dict[str, str]:
    """Returns the listed datasets with their stamps."""
    try:
        table = SOURCE_LISTING.read(lake.source_listing / "source_listing.parquet")
    except ContractError as error:
        raise LakeError(
            f"Without a listing nothing in {lake.home} can be called unused. {error.message}",
            hint="List the sources first: deftworks run, or materialise source_listing.",
        ) from error
    return dict(table.select("dataset_id", "stamp").rows())


def _used_datasets(lake: Lake) -> set[str]:
    """Returns the datasets that trained or will train something, listed or not."""
    corpus = _datasets_in(CORPUS_EPISODES, lake.corpus / "episodes.parquet")
    index = _datasets_in(SKILL_INDEX, lake.skill_index / "skill_index.parquet")
    return corpus | index | _datasets_in(SKILL_INDEX, lake.mixture / "mixture.parquet")


def _datasets_in(contract: TableContract, path: Path) -> set[str]:
    if not path.exists():
        return set()
    try:
        return set(contract.read(path)["dataset_id"])
    except ContractError as error:
        raise LakeError(
            f"{path} cannot be read, so that it is not known which datasets it names. {error.message}",
            hint="Build it again first: deftworks corpus build.",
        ) from error


def _entries(folder: Path) -> list[Path]:
    """Returns what lies in a folder of the lake, links left out; nothing where the folder is absent or itself a link."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(entry for entry in folder.iterdir() if not entry.is_symlink())


def _is_scratch(entry: Path) -> bool:
    return entry.name.startswith(".") and entry.name.endswith(SCRATCH)


def _freed_bytes(paths: Iterable[Path]) -> int:
    """Returns the bytes of the files below these paths that have no other name elsewhere."""
    files = {file.path: file for path in paths for file in stored_files_of(path)}
    names = Counter(file.identity for file in files.values())
    last = {file.identity: file.size_bytes for file in files.values() if names[file.identity] >= file.num_links}
    return sum(last.values())


def _refuse_while_dagster_works(lake: Lake) -> None:
    if not lake.dagster.exists():
        return
    import dagster as dg

    from pipelines.instance import UNFINISHED, bury_dead_runs, open_instance

    with open_instance(lake) as instance:
        bury_dead_runs(instance)
        at_work = instance.get_runs(dg.RunsFilter(statuses=[*UNFINISHED, dg.DagsterRunStatus.CANCELING]))
        if at_work:
            raise LakeError(
                f"{len(at_work)} Dagster runs work on {lake.home}: {', '.join(run.job_name for run in at_work[:5])}.",
                hint="Wait for them, or terminate them in the Dagster UI.",
            )


def _remove(lake: Lake, path: Path) -> None:
    if not path.parent.resolve().is_relative_to(lake.home.resolve()) or path.is_symlink():
        raise LakeError(f"{path} does not lie in the lake.", hint="Nothing outside it is ever deleted.")
    if path.is_dir():
        remove_folder(path)
    else:
        path.unlink(missing_ok=True)
