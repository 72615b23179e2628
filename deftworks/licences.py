"""`deftworks licence`: what a licence file says, checked without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deftworks.library import Keys, keys_seen
from deftworks.options import AsJson, Home

if TYPE_CHECKING:
    from data_contracts.skill_pack import SkillPack
    from marketplace.licence_files import Licence

licence = typer.Typer(help="Licence files, checked offline.", no_args_is_help=True)


@licence.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="The licence file.")],
    key: Keys = None,
    pack: Annotated[
        Path | None, typer.Option("--pack", help="Also check that it is for the pack in this folder.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Check a licence file offline: who signed it, and what it says.

    Keys come from --key, otherwise the lake's and those of shops that this machine got packs from. Exit code 0 only when
    everything holds.

    [bold]Examples[/bold]

      deftworks licence check open-drawer-1.0.0.licence.json

      deftworks licence check open-drawer-1.0.0.licence.json --pack open-drawer-1.0.0 --json
    """
    from data_contracts.errors import DeftworksError
    from data_contracts.layout import Lake
    from deftworks.printing import out, print_json
    from marketplace.licence_files import read_licence
    from skill_packs.signing import read_public_keys, read_trusted_keys
    from skill_packs.verify import verify_pack

    trusted = read_public_keys(key) if key else read_trusted_keys(Lake.at(home).keys) | read_public_keys(keys_seen())
    try:
        said = read_licence(file, trusted)
        if pack:
            _check_covers(said, verify_pack(pack, trusted).pack)
    except DeftworksError as error:
        if not as_json:
            raise
        print_json({"valid": False, "error": type(error).__name__, "message": str(error)})
        raise typer.Exit(1) from error
    if as_json:
        print_json({"valid": True, "pack": str(pack) if pack else None, "licence": said.model_dump(mode="json")})
        return
    out.print(
        f"[green]valid[/green] {said.skill_id} {said.version} and its updates {said.updates}, for {said.num_robots} robots"
    )
    out.print(
        f"by {said.seller} to {said.buyer_id} on {said.issued_at[:10]}, order line {said.order_line}", markup=False
    )
    if pack:
        out.print(f"{pack} is a pack of this licence.", markup=False)


def _check_covers(said: Licence, pack: SkillPack) -> None:
    """Raises OrderError where a pack is not the licence's, nor one of its updates."""
    from data_contracts.errors import OrderError
    from data_contracts.identifiers import split_semantic_version

    bought, has = split_semantic_version(said.version), split_semantic_version(pack.version)
    if pack.skill_id != said.skill_id or has[0] != bought[0] or has < bought:
        raise OrderError(
            f"The licence is for {said.skill_id} {said.version} and its updates {said.updates}, not for {pack.skill_id} {pack.version}."
        )
