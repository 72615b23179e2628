"""`deftworks normalise`: one dataset of any version to LeRobot v3.0, without a lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deftworks.options import AsJson


def normalise(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of a LeRobot dataset, v2.0, v2.1 or v3.0.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="Folder to write; it must not exist or be empty.")],
    as_json: AsJson = False,
) -> None:
    """Write the usable episodes of a dataset as LeRobot v3.0.

    Videos are linked or remuxed, never re-encoded when it can be avoided. Joints of SO-100 and SO-101 arms come out under one
    set of names and from one zero where it is certain what they were. Every change is listed in DST/meta/deftworks.json.
    DST appears whole or not at all.

    [bold]Example[/bold]

      deftworks normalise recordings/org__pick-cube clean/pick-cube
    """
    from curation.normalise import normalise as write_normalised
    from curation.quality import judge
    from curation.sources import dataset_id_of, describe_folder
    from data_contracts.errors import ContractError, SourceError
    from data_contracts.stages import remove_folder, replace_folder
    from deftworks.printing import err, out, print_json

    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ContractError(f"{target} exists and is not an empty folder.", hint="Choose another DST, or remove it.")
    if target.absolute().is_relative_to(source.absolute()):
        raise ContractError(f"{target} lies inside {source}.", hint="Choose a DST outside the dataset.")
    dataset_id = dataset_id_of(source)
    judgement = judge(source, dataset_id)
    if not judgement.verdict.accepted:
        raise SourceError(
            f"{source} has no usable episode: {judgement.verdict.reason}", hint=f"See `deftworks inspect {source}`."
        )
    scratch = target.absolute().with_name(f".{target.name}.partial")
    remove_folder(scratch)
    scratch.mkdir(parents=True)
    is_simulated = any(finding.code == "provenance.simulation" for finding in judgement.verdict.findings)
    try:
        manifest = write_normalised(
            source, judgement.episodes, describe_folder(source, dataset_id), scratch, is_simulated=is_simulated
        )
        replace_folder(target.absolute(), scratch)
    finally:
        remove_folder(scratch)
    if as_json:
        print_json({"path": str(target), **manifest.to_json()})
        return
    dropped = judgement.verdict.num_episodes - len(manifest.episodes)
    out.print(f"{target}: {len(manifest.episodes)} episodes kept, {dropped} dropped.")
    for change in manifest.changes:
        err.print(f"  changed: {change}")
    for number, reason in manifest.lost.items():
        err.print(f"  lost: episode {number}: {reason}")
    for video in manifest.reencoded:
        err.print(f"  re-encoded: {video}")
