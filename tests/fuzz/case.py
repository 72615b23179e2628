"""One case: a damaged dataset goes through everything that happens to an unknown one, and nothing bad may come of it.

Open, judge, write the verdict; hash the content; normalise what was kept; take the fingerprints of what was written; and
now and then hand it in at the shop's door.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.mutations import make_case
from tests.fuzz.sandbox import TARGET, differences, snapshot, watching

DATASET_ID = "fuzz__dataset"
CONTRIBUTOR = "somebody"
RECEIVED_EVERY = 5
"""Every fifth case is handed in as a contribution as well: that copies, hashes and judges it a second time."""


@dataclass
class CaseResult:
    """`outcome` is how far it came, `refusal` why an accepted dataset was not normalised; no `violations` where all held."""

    seed: int
    mutations: list[str] = field(default_factory=list)
    outcome: str = "refused"
    codes: list[str] = field(default_factory=list)
    refusal: str = ""
    violations: list[str] = field(default_factory=list)


def run_case(seed: int, specimens: Path, sandbox: Path) -> CaseResult:
    """Runs the case of this seed in the empty folder `sandbox`."""
    result = CaseResult(seed)
    source, outside, tmp, target = (sandbox / name for name in ("source", "outside", "tmp", TARGET))
    for folder in (outside, tmp, target):
        folder.mkdir()
    (outside / "victim.txt").write_text("not yours")
    shutil.copyfile(specimens / "parts" / "audio.mp4", outside / "victim.parquet")
    result.mutations = make_case(seed, specimens, source, outside)
    before = snapshot(sandbox)
    with _in_folder(tmp), watching(target) as seen, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _use(result, source, target)
            if seed % RECEIVED_EVERY == 0:
                _receive(result, source, target)
        except Exception:
            result.violations.append("traceback: " + _last_lines(traceback.format_exc()))
    result.violations += [f"outside the target: {what}" for what in seen]
    result.violations += [f"outside the target: {what}" for what in differences(before, snapshot(sandbox))]
    return result


def _use(result: CaseResult, source: Path, target: Path) -> None:
    from curation.fingerprints import fingerprint
    from curation.normalise import normalise
    from curation.sources import describe_folder
    from data_contracts.errors import DeftworksError

    try:
        raw = describe_folder(source, DATASET_ID)
    except DeftworksError as error:
        check_message(result, error, source)
        return
    judgement = _judged(result, source)
    _write_verdict(judgement, target / "findings")
    if not judgement.verdict.accepted:
        result.outcome = "rejected"
        return
    result.outcome = "quarantined"
    normalised = target / "normalised"
    normalised.mkdir()
    try:
        normalise(source, judgement.episodes, raw, normalised)
    except DeftworksError as error:
        check_message(result, error, source)
        result.refusal = str(error).replace(str(source), "")
        return
    try:
        fingerprint(normalised)
    except DeftworksError as error:
        result.violations.append(f"what normalising wrote cannot be read: {error}")
    result.outcome = "normalised"


def _judged(result: CaseResult, source: Path) -> Any:
    from curation.quality import judge, judge_unreadable
    from data_contracts.errors import DeftworksError

    try:
        judgement = judge(source, DATASET_ID)
    except DeftworksError as error:
        check_message(result, error, source)
        judgement = judge_unreadable(DATASET_ID, error)
    result.codes = sorted({finding.code for finding in judgement.verdict.findings})
    if not judgement.verdict.accepted and not judgement.verdict.reason:
        result.violations.append("rejected without a reason")
    if str(source) in judgement.verdict.model_dump_json():
        result.violations.append("the verdict names the folder that the dataset lay in")
    return judgement


def _write_verdict(judgement: Any, folder: Path) -> None:
    from data_contracts.catalogue import EPISODES, FINDINGS, JOINT_RANGES
    from data_contracts.manifests import DatasetVerdict

    folder.mkdir()
    FINDINGS.write(judgement.findings, folder / "findings.parquet")
    EPISODES.write(judgement.episodes, folder / "episodes.parquet")
    JOINT_RANGES.write(judgement.joint_ranges, folder / "joint_ranges.parquet")
    judgement.verdict.write(folder / "verdict.json")
    DatasetVerdict.read(folder / "verdict.json")
    FINDINGS.read(folder / "findings.parquet")
    EPISODES.read(folder / "episodes.parquet")


def _receive(result: CaseResult, source: Path, target: Path) -> None:
    from curation.quality import judge
    from data_contracts.errors import DeftworksError
    from data_contracts.layout import Lake
    from marketplace.contributions import receive

    try:
        receive(source, CONTRIBUTOR, Lake(target / "lake"), judge)
    except DeftworksError as error:
        check_message(result, error, source)


def check_message(result: CaseResult, error: Exception, source: Path) -> None:
    """An error of ours must say which file, folder or dataset it is about."""
    text = str(error)
    names = (str(source), DATASET_ID, str(source.parent), *_names_in(source))
    if not any(name in text for name in names):
        result.violations.append(f"a message that names nothing: {type(error).__name__}: {ascii(text)[:300]}")


def _names_in(source: Path) -> list[str]:
    return [os.fsdecode(name) for _, folders, names in os.walk(os.fsencode(source)) for name in (*folders, *names)]


def _last_lines(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines()]
    calls = [line for line in lines if line.startswith("File ")]
    return ascii(" | ".join([*calls[-3:], lines[-1]]))[:900]


@contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    before, tempfile.tempdir = Path.cwd(), str(folder)
    os.environ["TMPDIR"] = str(folder)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        tempfile.tempdir = None
