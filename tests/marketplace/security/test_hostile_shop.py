"""What a shop that means ill cannot do to the machine of whoever gets a pack from it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from data_contracts.errors import AccountError, DeftworksError, PackTampered, SourceUnavailable
from deftworks import pack_fetching, printing
from deftworks.accounts import Credentials, ask
from deftworks.library import _link
from deftworks.pack_fetching import PackLink, download, get_bytes, unpack
from tests.small_server import answering

TOKEN = "dw_0123456789_" + "x" * 43
NAME = "press-button-1.0.0"


def _unpacked(content: bytes, folder: Path) -> None:
    archive = folder / "archive"
    archive.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    unpack(archive, PackLink("http://nowhere", f"{NAME}.tar", len(content), digest, "sha256:0"), folder, {})


def _sparse(name: str, size: int) -> bytes:
    """Returns the 512 bytes that say that a file of `size` follows, all of it a hole (old GNU format)."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:398] = header[398:410] = b"%011o\0" % 0
    header[483:495] = b"%011o\0" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def test_holes_in_an_archive_do_not_fill_the_disk(tmp_path: Path) -> None:
    bomb = b"".join(_sparse(f"{NAME}/{number}", 10_000) for number in range(100)) + bytes(1024)
    with tarfile.open(fileobj=io.BytesIO(bomb)) as read:
        assert [one.size for one in read] == [10_000] * 100, "it is what it should be"
    with pytest.raises(PackTampered, match="does not belong"):
        _unpacked(bomb, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


ASKING = {
    "ask": lambda shop, _folder: ask(Credentials(shop, TOKEN), "GET", "/api/library"),
    "tell": lambda shop, _folder: ask(Credentials(shop, TOKEN), "POST", "/api/library/x/link"),
    "licence": lambda shop, _folder: get_bytes(f"{shop}/api/licence/x", {"Authorization": f"Bearer {TOKEN}"}, 100),
    "download": lambda shop, folder: download(lambda: _link_to(shop), folder, lambda *_: None),
}


def _link_to(shop: str) -> PackLink:
    return PackLink(f"{shop}/api/download/x", f"{NAME}.tar", 10, "0" * 64, "sha256:0")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("how", list(ASKING))
def test_no_token_goes_on_to_where_a_shop_sends(
    status: int, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_fetching, "PAUSE_S", 0)
    met: list[str] = []

    def elsewhere(request: BaseHTTPRequestHandler) -> None:
        met.append(request.path)
        request.send_error(404)

    with answering(elsewhere) as other:

        def sends_on(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            request.send_header("Location", other)
            request.end_headers()

        with answering(sends_on) as shop, pytest.raises((DeftworksError, OSError)):
            ASKING[how](shop, tmp_path)
    assert met == []


@pytest.mark.parametrize(
    "said",
    [
        {"url": "http://169.254.169.254/latest"}, {"file_name": "../../.bashrc"}, {"file_name": "/etc/passwd.tar"},
        {"file_name": ".."}, {"file_name": "a/b.tar"}, {"sha256": "../../x"}, {"sha256": "0" * 63},
    ],
)  # fmt: skip
def test_a_link_names_no_other_place(said: dict[str, str]) -> None:
    honest = {
        "url": "http://shop/api/download/x/1.0.0?s=1", "file_name": f"{NAME}.tar", "size_bytes": 1, "sha256": "0" * 64, "pack_id": "x",
    }  # fmt: skip
    shop = Credentials("https://shop.example", TOKEN)
    assert _link(shop, honest).url == "https://shop.example/api/download/x/1.0.0?s=1"
    with pytest.raises(SourceUnavailable):
        _link(shop, honest | said)


def test_a_link_to_another_host_is_asked_of_the_shop_itself() -> None:
    said = {"url": "http://evil.example/api/x", "file_name": f"{NAME}.tar", "size_bytes": 1, "sha256": "0" * 64, "pack_id": "x"}  # fmt: skip
    assert _link(Credentials("https://shop.example", TOKEN), said).url == "https://shop.example/api/x"


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(64):
            request.wfile.write(b" " * 2**20)

    def hang_up(request: BaseHTTPRequestHandler) -> None:
        with suppress(OSError):
            endless(request)

    with answering(hang_up) as shop:
        with pytest.raises(SourceUnavailable, match="more than 65536"):
            get_bytes(f"{shop}/api/public-key", {}, 65536)
        with pytest.raises(AccountError):
            ask(Credentials(shop, TOKEN), "GET", "/api/me")


ORDERS = "\x1b]0;owned\x07\x1b[2J\x9b31m\x08\u202eevil"


def test_no_text_commands_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.table import Table
    from rich.text import Text

    shown = io.StringIO()
    monkeypatch.setattr(printing.out, "_file", shown)  # `file` would leave today's standard output behind
    table = Table("skill")
    table.add_row(Text(ORDERS))
    for thing in (ORDERS, Text(ORDERS), table, f"[green]{ORDERS}[/green]"):
        printing.out.print(thing)
    assert "evil" in shown.getvalue()
    assert not set(shown.getvalue()) & set("\x1b\x07\x9b\x08\u202e")


def test_no_error_commands_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from deftworks import cli

    def fails() -> None:
        raise AccountError(ORDERS, hint=ORDERS)

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit):
        cli.main()
    said = capsys.readouterr().err
    assert "evil" in said
    assert not set(said) & set("\x1b\x07\x9b\x08\u202e")
