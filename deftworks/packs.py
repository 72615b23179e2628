"""`deftworks pack`: look at skill packs without a shop and without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deftworks.options import AsJson, Home

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey


def verify(
    path: Annotated[Path, typer.Argument(help="Folder of a skill pack.")],
    key: Annotated[list[Path] | None, typer.Option("--key", help="Public key to trust; repeat for more.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Check a pack offline: every file unchanged, none missing, none added, signed by a key that is pinned here.

    Keys come from --key, otherwise from the lake's pinned keys. Exit code 0 only when everything holds.

    [bold]Examples[/bold]

      deftworks pack verify .deftworks/packs/open-drawer/1.0.0

      deftworks pack verify open-drawer-1.0.0 --key deftworks.pub --json
    """
    from data_contracts.errors import PackError
    from deftworks.printing import out, print_json
    from skill_packs.verify import verify_pack

    trusted = trusted_keys(key, home)
    try:
        verified = verify_pack(path, trusted)
    except PackError as error:
        if not as_json:
            raise
        print_json({"verified": False, "error": type(error).__name__, "message": str(error)})
        raise typer.Exit(1) from error
    pack = verified.pack
    if as_json:
        print_json(
            {
                "verified": True,
                "pack_id": verified.pack_id,
                "key_id": verified.key_id,
                "skill_id": pack.skill_id,
                "version": pack.version,
            }
        )
        return
    out.print(
        f"[green]verified[/green] {pack.skill_id} {pack.version}: {len(pack.files)} files, signed by key {verified.key_id[:16]}…"
    )
    out.print(f"pack id {verified.pack_id}")


def trusted_keys(key: list[Path] | None, home: Path | None) -> Mapping[str, SSlibKey]:
    """Returns the public keys of the files, otherwise those pinned in the lake."""
    from data_contracts.layout import Lake
    from skill_packs.signing import read_public_keys, read_trusted_keys

    return read_public_keys(key) if key else read_trusted_keys(Lake.at(home).keys)
