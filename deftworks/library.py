"""`deftworks library`: what you bought, to this machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deftworks.accounts import Credentials, ask, credentials_path, kept
from deftworks.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from securesystemslib.signer import SSlibKey

library = typer.Typer(help="What you bought: list it, get it.", no_args_is_help=True)
Keys = Annotated[list[Path] | None, typer.Option("--key", help="Public key to trust; repeat for more.")]
LARGEST_FILE = 64 * 1024


@library.command("list")
def list_purchases(as_json: AsJson = False) -> None:
    """List what you own at the shop that this machine is signed in to, with the versions that you can get.

    [bold]Example[/bold]

      deftworks library list
    """
    from deftworks.corpus_printing import print_rows
    from deftworks.printing import out, print_json

    purchases = ask(kept(), "GET", "/api/library")
    if as_json:
        print_json({"purchases": purchases})
        return
    if not purchases:
        out.print("Nothing yet.")
        return
    rows = [
        [one["skill_id"], one["bought_version"], ", ".join(one["versions"]) or "none: given back, disputed or recalled"]
        for one in purchases
    ]
    print_rows(["skill", "bought", "to get"], rows)


@library.command("get")
def get(
    skill: Annotated[str, typer.Argument(help="Id of the skill, such as open-drawer.")],
    version: Annotated[str | None, typer.Option(help="The newest that is yours, unless said.")] = None,
    to: Annotated[Path, typer.Option(help="Folder to put it into.")] = Path(),
    key: Keys = None,
    as_json: AsJson = False,
) -> None:
    """Get a pack that you bought, with its licence file: downloaded, verified, unpacked. Interrupted, it goes on at the next call.

    It is verified with --key, or with the shop's public key as this machine saw it first.

    [bold]Examples[/bold]

      deftworks library get open-drawer

      deftworks library get open-drawer --version 1.0.0 --to packs
    """
    from deftworks.pack_fetching import PackLink, download, unpack
    from deftworks.printing import err, out, print_json
    from skill_packs.signing import read_public_keys
    from skill_packs.verify import verify_pack

    credentials = kept()
    owned = _owned(ask(credentials, "GET", "/api/library"), skill, version)
    asked = f"/api/library/{owned['entitlement']}/link?version={version or owned['versions'][-1]}"
    trusted = read_public_keys(key) if key else _pinned(credentials)
    to.mkdir(parents=True, exist_ok=True)

    def new_link() -> PackLink:
        return _link(credentials, ask(credentials, "POST", asked))

    link = new_link()
    if (to / link.name).exists():
        verified = verify_pack(to / link.name, trusted)
        err.print(f"{to / link.name} is here already.", markup=False)
    else:
        with _bar() as show:
            link, archive = download(new_link, to, show)
        verified = unpack(archive, link, to, trusted)
    licence_path = _keep_licence(credentials, owned["entitlement"], to / f"{link.name}.licence.json")
    if as_json:
        print_json(
            {
                "folder": str(to / link.name),
                "licence": str(licence_path),
                "pack_id": verified.pack_id,
                "key_id": verified.key_id,
            }
        )
        return
    out.print(f"[green]verified[/green] {verified.pack.skill_id} {verified.pack.version} in {to / link.name}")
    out.print(f"licence file {licence_path}", markup=False)


def _owned(purchases: list[dict[str, Any]], skill: str, version: str | None) -> dict[str, Any]:
    """Returns the purchase that a version comes from. Raises OrderError."""
    from data_contracts.errors import OrderError, did_you_mean

    mine = [one for one in purchases if one["skill_id"] == skill]
    if not mine:
        raise OrderError(f"You own no {skill!r}.", hint=did_you_mean(skill, [one["skill_id"] for one in purchases]))
    for one in mine:
        if one["versions"] and version in (None, *one["versions"]):
            return one
    raise OrderError(
        f"There is no {skill} {version or 'version'} for you to get.",
        hint=f"You can get: {', '.join(v for one in mine for v in one['versions']) or 'none'}.",
    )


def _link(credentials: Credentials, said: dict[str, Any]) -> Any:
    from data_contracts.errors import SourceUnavailable
    from deftworks.pack_fetching import PackLink
    from skill_packs.layout import is_safe_path

    path = str(said["url"]).partition("/api/")[2]
    if (
        not path
        or not is_safe_path(said["file_name"])
        or "/" in said["file_name"]
        or not re.fullmatch("[0-9a-f]{64}", said["sha256"])
    ):
        raise SourceUnavailable("The shop's answer is no link to a pack.", hint="Is that a shop?")
    # Asked where we are signed in: behind a proxy a shop may call itself by another name.
    url = f"{credentials.address}/api/{path}"
    return PackLink(url, said["file_name"], int(said["size_bytes"]), said["sha256"], said["pack_id"])


def _pinned(credentials: Credentials) -> Mapping[str, SSlibKey]:
    """Returns the shop's public key as this machine saw it first; sees it now where it did not before."""
    from data_contracts.stages import write_text
    from deftworks.pack_fetching import get_bytes
    from deftworks.printing import err
    from skill_packs.signing import read_public_keys

    path = _keys_folder() / f"{re.sub('[^a-z0-9.]+', '_', credentials.address.lower())}.pem"
    if not path.exists():
        pem = get_bytes(f"{credentials.address}/api/public-key", {}, LARGEST_FILE)
        write_text(path, pem.decode("ascii", "replace"))
        err.print(
            f"The shop's key is new here. It is kept in {path}; compare it with one that you got another way.",
            markup=False,
        )
    return read_public_keys([path])


def _keep_licence(credentials: Credentials, entitlement: str, path: Path) -> Path:
    from deftworks.pack_fetching import get_bytes

    headers = {"Authorization": f"Bearer {credentials.token}"}
    path.write_bytes(get_bytes(f"{credentials.address}/api/licence/{entitlement}", headers, LARGEST_FILE))
    return path


def _keys_folder() -> Path:
    return credentials_path().parent / "shop_keys"


def keys_seen() -> list[Path]:
    """Returns the public keys of shops that this machine got packs from."""
    return sorted(_keys_folder().glob("*.pem"))


def _bar() -> Any:
    """Returns a context that yields `show(done, total)`: a bar on standard error where there is a terminal."""
    from contextlib import contextmanager

    @contextmanager
    def shown() -> Any:
        from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

        from deftworks.printing import err

        with Progress(
            BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=err, disable=not err.is_terminal
        ) as bar:
            task = bar.add_task("download")
            yield lambda done, total: bar.update(task, completed=done, total=total)

    return shown()
