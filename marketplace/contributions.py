"""Takes in what a contributor recorded: quarantine, verdict, receipt. The first door; accounts and money come to it later.

<lake>/contributions/<dataset id>-<8 digits of its revision>/
  dataset/              the copy that was judged, and that the `uploads:` source lists
  verdict.json          DatasetVerdict
  contribution.json     written last: without it the folder does not count
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from data_contracts.errors import SourceError
from data_contracts.identifiers import check_contributor_id, dataset_id
from data_contracts.layout import Lake
from data_contracts.manifests import Contribution, DatasetVerdict
from data_contracts.stages import remove_folder
from marketplace.quarantine import Limits, copy_into_quarantine

DATASET = "dataset"
VERDICT = "verdict.json"
MANIFEST = "contribution.json"
REVISION_DIGITS = 8


class Judgement(Protocol):
    """What a judge says: a verdict on the dataset, and the EPISODES table."""

    @property
    def verdict(self) -> DatasetVerdict: ...

    @property
    def episodes(self) -> pl.DataFrame: ...


class Judge(Protocol):
    """Judges a dataset folder; handed in by the command line, because curation is a room of its own."""

    def __call__(self, root: Path, dataset_id: str, /) -> Judgement: ...


@dataclass(frozen=True)
class Receipt:
    """The answer to a contributor. `is_new` is False when exactly this was handed in before."""

    contribution: Contribution
    verdict: DatasetVerdict
    folder: Path
    is_new: bool

    @property
    def messages(self) -> dict[str, str]:
        """What each finding's code means for this dataset, for a person."""
        return {finding.code: finding.message for finding in self.verdict.findings}


def receive(folder: Path, contributor: str, lake: Lake, judge: Judge, limits: Limits | None = None) -> Receipt:
    """Returns the receipt for a dataset folder that `contributor` hands in.

    The same content under the same names gives the same receipt, however often. A stop in between leaves a scratch folder
    that counts for nothing and that the next try removes.

    Raises:
        SourceError: `folder` is no folder, or holds what no dataset holds; the message names the file.
        ContractError: `contributor` is no contributor id.
        DeftworksError: what the judge raises when it cannot read the copy at all. Nothing is kept then.
    """
    key = dataset_id(check_contributor_id(contributor), _name(folder))
    scratch = lake.contributions / f".{key}.partial"
    remove_folder(scratch)
    try:
        revision = copy_into_quarantine(folder, scratch / DATASET, limits or Limits())
        contribution_id = f"{key}-{revision.removeprefix('sha256:')[:REVISION_DIGITS]}"
        target = lake.contributions / contribution_id
        if (target / MANIFEST).is_file():
            return _receipt(target, is_new=False)
        judgement = judge(scratch / DATASET, key)
        judgement.verdict.write(scratch / VERDICT)
        _contribution(contribution_id, contributor, key, revision, judgement.episodes).write(scratch / MANIFEST)
        scratch.rename(target)
    finally:
        remove_folder(scratch)
    return _receipt(target, is_new=True)


def _name(folder: Path) -> str:
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder.", hint="Point at the folder of a LeRobot dataset.")
    return folder.resolve().name


def _contribution(
    contribution_id: str, contributor: str, key: str, revision: str, episodes: pl.DataFrame
) -> Contribution:
    rows = episodes.sort("episode_index").iter_rows(named=True)
    answers = {row["episode_index"]: (row["is_kept"], tuple(row["reasons"])) for row in rows}
    return Contribution(
        contribution_id=contribution_id,
        contributor=contributor,
        dataset_id=key,
        revision=revision,
        accepted_episodes=tuple(index for index, (is_kept, _) in answers.items() if is_kept),
        rejected_episodes={index: reasons for index, (is_kept, reasons) in answers.items() if not is_kept},
    )


def _receipt(folder: Path, *, is_new: bool) -> Receipt:
    return Receipt(Contribution.read(folder / MANIFEST), DatasetVerdict.read(folder / VERDICT), folder, is_new)
