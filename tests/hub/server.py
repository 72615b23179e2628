"""A Hub on this machine: answers the routes that `huggingface_hub` asks, for datasets, with faults on demand.

    GET  /api/datasets?filter=&author=                    a page, the next one in the Link header
    GET  /api/datasets/ORG/NAME                           where it stands
    GET  /api/datasets/ORG/NAME/refs                      branches and tags
    GET  /api/datasets/ORG/NAME/tree/REV[/FOLDER]         files, a page at a time
    GET  /datasets/ORG/NAME/resolve/REV/PATH              a file; one kept by LFS is a redirect to another host
    GET  /cdn/SHA256/ORG/NAME                             that file, in ranges

Written after the answers of huggingface.co as `huggingface_hub` 2.4 reads them.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from tests.hub import repositories as data
from tests.hub.repositories import Commit, Repositories, Repository

LIST_PAGE = 100
TREE_PAGE = 1000
STALL_S = 30.0
SLOW_S = 0.05
API = re.compile(r"/api/datasets/([^/]+/[^/]+)(?:/(refs|tree|revision)(?:/([^/]+)(?:/(.*))?)?)?")
RESOLVE = re.compile(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
CDN = re.compile(r"/cdn/([0-9a-f]{64})/([^/]+/[^/]+)")


@contextmanager
def serve(repositories: Repositories) -> Iterator[str]:
    """Serves until the block ends; gives the address for HF_ENDPOINT."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.repositories = repositories
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def served_to_this_process(monkeypatch: pytest.MonkeyPatch, *, patience_s: float) -> Iterator[Repositories]:
    """An empty Hub that sources of this process ask, with that much patience; add repositories to it."""
    repositories = Repositories()
    with serve(repositories) as endpoint:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        monkeypatch.setenv("DEFTWORKS_HUB_PATIENCE_S", str(patience_s))
        yield repositories


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    repositories: Repositories

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed, or that closes what it does not want to read, is nothing to report."""


class _Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> None:
        super().__init__(status)
        self.status, self.headers, self.body = status, headers or {}, body


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        try:
            self._route(parts.path, query)
        except _Refused as refused:
            self._send(refused.status, refused.body, refused.headers)

    do_HEAD = do_GET

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def _route(self, path: str, query: dict[str, list[str]]) -> None:
        if path == "/api/datasets":
            self._list(query)
        elif found := API.fullmatch(path):
            self._api(unquote(found[1]), found[2], unquote(found[3] or "main"), unquote(found[4] or ""), query)
        elif found := RESOLVE.fullmatch(path):
            self._resolve(unquote(found[1]), unquote(found[2]), unquote(found[3]))
        elif found := CDN.fullmatch(path):
            self._cdn(found[1], unquote(found[2]))
        else:
            raise _Refused(404)

    # what is asked

    def _list(self, query: dict[str, list[str]]) -> None:
        held = self.server.repositories
        held.count("", "list")
        listed = held.listed(query.get("filter", [None])[0], query.get("author", [None])[0])
        start = int(query.get("cursor", ["0"])[0])
        page = listed[start : start + LIST_PAGE]
        self._send_page([_shown(repository) for repository in page], query, start + LIST_PAGE, len(listed))

    def _api(self, repo_id: str, what: str | None, revision: str, folder: str, query: dict[str, list[str]]) -> None:
        repository = self._found(repo_id, what or "info", "/api/datasets/{}" + self.path.partition(repo_id)[2])
        if what in (None, "revision"):
            self._send_json(_shown(repository))
            return
        if repository.is_gated:
            raise _Refused(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": f"Access to {repo_id} is restricted."})
        if what == "refs":
            main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.main.sha}
            tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": sha} for n, sha in repository.tags.items()]
            self._send_json({"branches": [main], "converts": [], "tags": tags})
            return
        self._tree(repository, self._commit(repository, revision), folder, query)

    def _tree(self, repository: Repository, commit: Commit, folder: str, query: dict[str, list[str]]) -> None:
        struck = self.server.repositories.strikes(repository, data.FAULTS_OF_TREES)
        if struck == "deleted":
            repository.is_deleted = True
            raise _not_found()
        files = dict(commit.files)
        if struck == "hostile_path":
            files["data/../../../outside.parquet"] = b"gotcha"
        if struck == "case_collision":
            files["meta/INFO.json"] = b"{}"
        if folder:
            files = {path: content for path, content in files.items() if path.startswith(f"{folder}/")}
            if not files:
                raise _Refused(404, {"X-Error-Code": "EntryNotFound"})
        if "true" in query.get("recursive", ["false"])[0].lower():
            entries = [_file_entry(path, content) for path, content in sorted(files.items())]
        else:
            entries = _top_level(files, commit)
        start = int(query.get("cursor", ["0"])[0])
        self._send_page(entries[start : start + TREE_PAGE], query, start + TREE_PAGE, len(entries))

    def _resolve(self, repo_id: str, revision: str, path: str) -> None:
        repository = self._found(repo_id, "file", "/datasets/{}" + self.path.partition(repo_id)[2])
        if repository.is_gated:
            raise _Refused(403, {"X-Error-Code": "GatedRepo"})
        commit = self._commit(repository, revision)
        content = commit.files.get(path)
        if content is None:
            raise _Refused(404, {"X-Error-Code": "EntryNotFound"})
        headers = {"X-Repo-Commit": commit.sha}
        if not data.is_lfs(path):
            self._send_file(repository, content, headers | {"ETag": f'"{data.blob_id(content)}"'})
            return
        port = self.server.server_address[1]
        address = f"http://localhost:{port}/cdn/{data.sha256(content)}/{quote(repo_id)}"
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{data.sha256(content)}"'}
        self._send(302, b"", headers | linked | {"Location": address})

    def _cdn(self, sha256: str, repo_id: str) -> None:
        if "Authorization" in self.headers:
            self.server.repositories.leaked_tokens.append(repo_id)
        repository = self._found(repo_id, "cdn", "")
        held = (content for commit in repository.commits for content in commit.files.values())
        content = next((content for content in held if data.sha256(content) == sha256), None)
        if content is None:
            raise _Refused(404)
        self._send_file(repository, content, {"ETag": f'"{sha256}"'})

    # what goes wrong

    def _found(self, repo_id: str, kind: str, address: str) -> Repository:
        held = self.server.repositories
        held.count(repo_id, kind)
        repository = held.find(repo_id)
        if repository is not None and repository.renamed_to:
            raise _Refused(307, {"Location": address.format(repository.renamed_to)})
        if repository is None or repository.is_deleted:
            raise _not_found()
        if repository.is_disabled and kind != "info":
            raise _Refused(403, {"X-Error-Message": "Access to this resource is disabled."})
        struck = held.strikes(repository, data.FAULTS_OF_ANSWERS)
        if struck:
            self._strike(struck)
        return repository

    def _strike(self, kind: str) -> None:
        in_a_second = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
        refusals = {
            "429": (429, {}),
            "429_seconds": (429, {"Retry-After": "1"}),
            "429_hour": (429, {"Retry-After": "3600"}),
            "429_date": (429, {"Retry-After": in_a_second}),
            "ratelimit": (429, {"RateLimit": '"api";r=0;t=1', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}),
            "500": (500, {}),
            "503": (503, {}),
        }
        if kind in refusals:
            raise _Refused(*refusals[kind], body=b'{"error":"no"}')
        if kind == "nonsense":
            raise _Refused(200, {"Content-Type": "text/html"}, b"<html>Sign in to the guest network</html>")
        if kind == "cut_answer":
            self._send(200, b'[{"type":"fi', {"Content-Length": "4000"})
            self._hang_up()
        if kind == "reset":
            self._hang_up()
        time.sleep(SLOW_S if kind == "slow" else STALL_S)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()
        raise ConnectionAbortedError

    def _send_file(self, repository: Repository, content: bytes, headers: dict[str, str]) -> None:
        struck = self.server.repositories.strikes(repository, data.FAULTS_OF_FILES)
        if struck == "pointer":
            content = data.pointer(content)
        elif struck == "wrong_bytes":
            content = bytes(255 - byte for byte in content[:1]) + content[1:]
        elif struck == "wrong_size":
            content = content[: len(content) // 2]
        elif struck == "too_long":
            content += b"more"
        status, first = 200, 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and struck != "ignores_range":
            first = int(wanted[1])
            self.server.repositories.resumed_at.append(first)
            if first >= len(content):
                raise _Refused(416, {"Content-Range": f"bytes */{len(content)}"})
            headers = headers | {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
            status = 206
        body = content[first:]
        if struck == "trickle":
            self._trickle(status, body, headers)
            return
        if struck == "cut":
            self._send(status, body[: max(len(body) // 2, 1)], headers | {"Content-Length": str(len(body))})
            self._hang_up()
        self._send(status, body, headers)

    def _trickle(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Sends a byte at a time, until the other end hangs up."""
        self._send(status, b"", headers | {"Content-Length": str(len(body))})
        for byte in body:
            time.sleep(SLOW_S)
            self.wfile.write(bytes([byte]))

    # how it is said

    def _commit(self, repository: Repository, revision: str) -> Commit:
        commit = repository.at(revision)
        if commit is None:
            raise _Refused(404, {"X-Error-Code": "RevisionNotFound"})
        return commit

    def _send_page(self, items: list[Any], query: dict[str, list[str]], following: int, total: int) -> None:
        headers = {}
        if following < total:
            parts = urlsplit(self.path)
            kept = "&".join(f"{key}={quote(v)}" for key, values in query.items() if key != "cursor" for v in values)
            address = f"http://{self.headers['Host']}{parts.path}?{kept}&cursor={following}"
            headers["Link"] = f'<{address}>; rel="next"'
        self._send_json(items, headers)

    def _send_json(self, value: Any, headers: dict[str, str] | None = None) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"} | (headers or {}))

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self._headers_buffer.append(b"\r\n")  # type: ignore[attr-defined]
        head = b"".join(self._headers_buffer)  # type: ignore[attr-defined]
        self._headers_buffer = []
        self.wfile.write(head if self.command == "HEAD" else head + body)


def _not_found() -> _Refused:
    return _Refused(404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})


def _shown(repository: Repository) -> dict[str, Any]:
    return {
        "_id": data.blob_id(repository.repo_id.encode())[:24],
        "id": repository.repo_id,
        "author": repository.repo_id.partition("/")[0],
        "sha": repository.main.sha,
        "gated": "auto" if repository.is_gated else False,
        "disabled": repository.is_disabled,
        "createdAt": data.CREATED,
        "lastModified": repository.main.date,
        "tags": list(repository.card_tags),
    }


def _file_entry(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": data.blob_id(content)}
    if data.is_lfs(path):
        size = len(data.pointer(content))
        entry["oid"] = data.blob_id(data.pointer(content))
        entry["lfs"] = {"oid": data.sha256(content), "size": len(content), "pointerSize": size}
    return entry


def _top_level(files: dict[str, bytes], commit: Commit) -> list[dict[str, Any]]:
    last = {"id": commit.sha, "title": "Upload", "date": commit.date}
    folders = sorted({path.partition("/")[0] for path in files if "/" in path})
    entries = [{"type": "directory", "path": name, "oid": "0" * 40, "lastCommit": last} for name in folders]
    return entries + [_file_entry(p, b) | {"lastCommit": last} for p, b in sorted(files.items()) if "/" not in p]
