"""Getting a pack: resumed at the byte where it stopped, and nothing of an archive that is not the pack."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from data_contracts.errors import OrderError, PackTampered, SourceUnavailable, UntrustedKey
from data_contracts.layout import Lake
from deftworks import pack_fetching
from deftworks.pack_fetching import PackLink, download, unpack
from marketplace.downloads import bundle
from skill_packs.build import build_pack
from skill_packs.signing import open_signing_key, read_trusted_keys
from tests.skill_packs.make_pack import make_inputs, make_skill
from tests.small_server import answering

NAME = "press-button-1.0.0"


class Shelf:
    """What a server hands out, cut off after so many bytes an answer; `asked` are the ranges that it saw."""

    def __init__(self) -> None:
        self.content, self.cut, self.status, self.asked = b"", 0, 0, []


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def address(shelf: Shelf) -> Iterator[str]:
    def hand_out(request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "")
        shelf.asked.append(asked)
        if shelf.status:
            request.send_error(shelf.status)
            return
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        rest = shelf.content[first:]
        request.send_response(206 if asked else 200)
        request.send_header("Content-Length", str(len(rest)))
        request.end_headers()
        request.wfile.write(rest[: shelf.cut] if shelf.cut else rest)

    with answering(hand_out) as address:
        yield f"{address}/pack.tar"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_fetching, "PAUSE_S", 0)


def link_to(content: bytes, address: str = "http://nowhere", pack_id: str = "sha256:0") -> PackLink:
    return PackLink(address, f"{NAME}.tar", len(content), hashlib.sha256(content).hexdigest(), pack_id)


def ignore(_done: int, _total: int) -> None:
    pass


def test_a_download_that_is_cut_off_goes_on_where_it_stopped(shelf, address, tmp_path):
    shelf.content, shelf.cut = bytes(range(256)) * 100, 10_000
    link = link_to(shelf.content, address)
    links = []
    _, path = download(lambda: links.append(link) or link, tmp_path, ignore)
    assert path.read_bytes() == shelf.content
    assert shelf.asked == ["", "bytes=10000-", "bytes=20000-"]
    assert len(links) == 3, "each try has a link of its own: the last one may have expired"


def test_a_shop_that_stays_away_leaves_what_came_for_the_next_time(shelf, address, tmp_path):
    shelf.content, shelf.cut = b"x" * 1000, 10
    link = link_to(shelf.content, address)
    with pytest.raises(SourceUnavailable, match="Run it again"):
        download(lambda: link, tmp_path, ignore)
    shelf.cut = 0
    _, path = download(lambda: link, tmp_path, ignore)
    assert path.read_bytes() == shelf.content
    assert shelf.asked[-1] == "bytes=40-"


def test_other_bytes_than_announced_are_thrown_away(shelf, address, tmp_path):
    shelf.content = b"y" * 1000
    with pytest.raises(PackTampered, match="announced"):
        download(lambda: link_to(b"x" * 1000, address), tmp_path, ignore)
    assert list(tmp_path.iterdir()) == []


def test_more_bytes_than_announced_are_not_written(shelf, address, tmp_path):
    shelf.content = b"x" * 5_000_000
    with pytest.raises(PackTampered):
        download(lambda: link_to(b"x" * 1000, address), tmp_path, ignore)
    assert list(tmp_path.iterdir()) == []


def test_what_the_shop_refuses_is_not_asked_for_again(shelf, address, tmp_path):
    shelf.status = 403
    with pytest.raises(OrderError, match="403"):
        download(lambda: link_to(b"x", address), tmp_path, ignore)
    assert len(shelf.asked) == 1


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    inputs = make_inputs(tmp_path_factory.mktemp("inputs"), make_skill("press-button", 900))
    build_pack(lake.packs("press-button"), inputs, open_signing_key(lake.keys))
    return lake


def test_a_pack_is_verified_before_it_has_its_name(built, tmp_path):
    made = bundle(built, built.pack("press-button", "1.0.0"))
    archive = tmp_path / "got.tar"
    archive.write_bytes(made.path.read_bytes())
    link = link_to(archive.read_bytes(), pack_id=made.pack_id)
    with pytest.raises(UntrustedKey):
        unpack(archive, link, tmp_path, {})
    with pytest.raises(PackTampered, match="another pack"):
        unpack(archive, link_to(archive.read_bytes()), tmp_path, read_trusted_keys(built.keys))
    assert [path.name for path in tmp_path.iterdir()] == ["got.tar"]
    verified = unpack(archive, link, tmp_path, read_trusted_keys(built.keys))
    assert verified.folder == tmp_path / NAME
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def member(name: str, **changes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in changes.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    "evil",
    [
        member("../evil"), member("/tmp/evil"), member(f"{NAME}/../../evil"), member("other/evil"), member(f"{NAME}/a\\b"),
        member(f"{NAME}/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member(f"{NAME}/link", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        member(f"{NAME}/pipe", type=tarfile.FIFOTYPE), member(f"{NAME}/disk", type=tarfile.BLKTYPE),
        member(f"{NAME}/folder", type=tarfile.DIRTYPE), member(f"{NAME}/pack.json"),
    ],
    ids=lambda info: f"{info.name} {info.type!r}",
)  # fmt: skip
def test_an_archive_holds_plain_files_of_its_pack_and_nothing_else(evil, tmp_path):
    inside, outside = io.BytesIO(), tmp_path / "to" / "packs"
    with tarfile.open(fileobj=inside, mode="w") as archive:
        archive.addfile(member(f"{NAME}/pack.json"), io.BytesIO())
        archive.addfile(evil, io.BytesIO())
    outside.mkdir(parents=True)
    (outside / "got.tar").write_bytes(inside.getvalue())
    with pytest.raises(PackTampered, match="does not belong into a pack"):
        unpack(outside / "got.tar", link_to(inside.getvalue()), outside, {})
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["got.tar", "packs", "to"]


def test_what_is_no_archive_is_said_to_be_none(tmp_path):
    (tmp_path / "got.tar").write_bytes(b"<html>")
    with pytest.raises(PackTampered, match="no archive"):
        unpack(tmp_path / "got.tar", link_to(b"<html>"), tmp_path, {})
