"""What the local Hub holds: repositories with commits, tags and faults, and how often each was asked.

Pure data: how it is answered over HTTP is in `server`.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from tests.hub.templates import templates

PUBLISHED = "2025-03-01T12:00:00.000Z"
CREATED = "2025-02-01T08:00:00.000Z"
LFS_SUFFIXES = (".parquet", ".mp4")

ALWAYS = 10**9
FAULTS_OF_ANSWERS = (
    "429",
    "429_seconds",
    "429_date",
    "429_hour",
    "ratelimit",
    "500",
    "503",
    "reset",
    "stall",
    "slow",
    "nonsense",
    "cut_answer",
)
FAULTS_OF_FILES = ("cut", "wrong_bytes", "wrong_size", "too_long", "pointer", "ignores_range", "trickle")
FAULTS_OF_TREES = ("hostile_path", "case_collision", "deleted")
"""Names of faults, by where they strike. What each does is in `server`."""


@dataclass
class Fault:
    """Something that goes wrong `times` times, then no more."""

    kind: str
    times: int = ALWAYS


@dataclass
class Commit:
    sha: str
    files: Mapping[str, bytes]
    date: str = PUBLISHED


@dataclass
class Repository:
    """A dataset repository. The last commit is `main`."""

    repo_id: str
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    card_tags: tuple[str, ...] = ("LeRobot",)
    fault: Fault | None = None
    is_gated: bool = False
    is_deleted: bool = False
    is_disabled: bool = False
    renamed_to: str | None = None

    @property
    def main(self) -> Commit:
        return self.commits[-1]

    def at(self, revision: str) -> Commit | None:
        """Returns the commit that a branch, tag or sha names."""
        sha = self.main.sha if revision == "main" else self.tags.get(revision, revision)
        return next((commit for commit in self.commits if commit.sha == sha), None)

    def commit(self, files: Mapping[str, bytes], date: str = PUBLISHED) -> Commit:
        """Adds a commit with exactly these files."""
        listing = "".join(f"{path}\0{blob_id(content)}\n" for path, content in sorted(files.items()))
        text = f"{self.repo_id}\n{len(self.commits)}\n{listing}"
        made = Commit(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), dict(files), date)
        self.commits.append(made)
        return made


class Repositories:
    """All of them, by id, with a count of requests by repository and kind (list, info, tree, refs, file, cdn).

    `leaked_tokens` names repositories for which another host was shown the token, `resumed_at` the bytes at which ranges began.
    """

    def __init__(self) -> None:
        self._of: dict[str, Repository] = {}
        self._lock = threading.Lock()
        self.requests: Counter[tuple[str, str]] = Counter()
        self.leaked_tokens: list[str] = []
        self.resumed_at: list[int] = []

    def add(
        self, repo_id: str, kind: str = "v21", *, fault: Fault | None = None, tag: str | None = "own"
    ) -> Repository:
        """Adds a dataset made from a template. `tag` names its version tag; "own" is that of its format, None is none."""
        repository = Repository(repo_id, fault=fault)
        commit = repository.commit({**templates()[kind], "README.md": readme(repo_id)})
        if tag:
            own = {"v30": "v3.0", "v20": "v2.0"}.get(kind, "v2.1")
            repository.tags[own if tag == "own" else tag] = commit.sha
        self._of[repo_id] = repository
        return repository

    def change(self, repo_id: str, extra: str = "changed") -> Commit:
        """Commits another README; everything else stays."""
        repository = self._of[repo_id]
        return repository.commit({**repository.main.files, "README.md": readme(repo_id, extra)})

    def __getitem__(self, repo_id: str) -> Repository:
        return self._of[repo_id]

    def find(self, repo_id: str) -> Repository | None:
        return self._of.get(repo_id)

    def listed(self, tag: str | None, author: str | None) -> list[Repository]:
        """Returns the repositories that a listing shows, sorted."""
        return [
            repository
            for repo_id, repository in sorted(self._of.items())
            if not repository.is_deleted
            and (tag is None or tag in repository.card_tags)
            and (author is None or repo_id.startswith(f"{author}/"))
        ]

    def strikes(self, repository: Repository, kinds: tuple[str, ...]) -> str | None:
        """Returns the fault that strikes now, and counts it; None where all is well."""
        fault = repository.fault
        with self._lock:
            if fault is None or fault.kind not in kinds or fault.times <= 0:
                return None
            fault.times -= 1
            return fault.kind

    def count(self, repo_id: str, kind: str) -> None:
        with self._lock:
            self.requests[repo_id, kind] += 1

    def requests_of(self, repo_id: str) -> int:
        """Returns how many requests named this repository."""
        return sum(number for (asked, _), number in self.requests.items() if asked == repo_id)

    def forget_requests(self) -> None:
        self.requests.clear()


def readme(repo_id: str, extra: str = "") -> bytes:
    return f"---\nlicense: apache-2.0\ntags: [LeRobot]\n---\n# {repo_id}\n{extra}\n".encode()


def is_lfs(path: str) -> bool:
    return path.endswith(LFS_SUFFIXES)


@lru_cache(maxsize=100_000)
def blob_id(content: bytes) -> str:
    """Returns git's hash of a blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@lru_cache(maxsize=10_000)
def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pointer(content: bytes) -> bytes:
    """Returns what Git LFS keeps in place of a file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(content)}\nsize {len(content)}\n".encode()
