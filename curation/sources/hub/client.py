"""The questions that a crawl asks the Hub, through `HfApi`, and what its refusals mean.

Every method raises Gone, Gated or SourceUnavailable and nothing of the client's own. Where the Hub is (HF_ENDPOINT) and who
asks (HF_TOKEN) is looked up at each call's start, as the client does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from data_contracts.errors import Gated, Gone, SourceUnavailable

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfApi

DATASET = "dataset"
SHA = re.compile(r"[0-9a-f]{40}")
EXPANDED: list[Any] = ["sha", "gated", "disabled"]
BEYOND_THE_END = 416
"""HTTP status of a range that starts after the last byte."""
MOST_TOP_LEVEL = 500
"""Entries of the top level that are looked through for the date of `data/`."""


@dataclass(frozen=True)
class Listed:
    """A dataset as a listing names it. `sha` is the commit of `main`; None where the Hub did not say."""

    repo_id: str
    sha: str | None
    is_disabled: bool = False


class Hub:
    """The Hub at HF_ENDPOINT."""

    def __init__(self) -> None:
        from huggingface_hub import HfApi, constants

        from curation.sources.hub import polite

        polite.install()
        self.endpoint = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
        self._api: HfApi = HfApi(endpoint=self.endpoint, library_name="deftworks")

    def list_by(self, *, tag: str | None = None, author: str | None = None) -> Iterator[Listed]:
        """Yields every dataset with that tag, or of that author, a page of them per request."""
        with _refusals("the list of datasets"):
            for info in self._api.list_datasets(filter=tag, author=author, expand=EXPANDED):
                yield _listed(info)

    def info(self, repo_id: str) -> Listed:
        """Returns where a dataset stands now, under the name that it has now."""
        with _refusals(repo_id):
            return _listed(self._api.dataset_info(repo_id, expand=EXPANDED))

    def tree(self, repo_id: str, sha: str, most: int, folder: str | None = None) -> list[Any]:
        """Returns the RepoFiles of a commit, the first `most` of them: a thousand come per request."""
        with _refusals(repo_id):
            found = self._api.list_repo_tree(repo_id, folder, recursive=True, revision=sha, repo_type=DATASET)
            return list(islice((item for item in found if hasattr(item, "blob_id")), most))

    def tags(self, repo_id: str) -> dict[str, str]:
        """Returns the tags of a repository with the commit of each."""
        with _refusals(repo_id):
            refs = self._api.list_repo_refs(repo_id, repo_type=DATASET)
            return {tag.name: tag.target_commit for tag in refs.tags}

    def info_blob(self, repo_id: str, commit: str) -> str | None:
        """Returns the git blob id of `meta/info.json` at a commit; None where there is none."""
        try:
            files = self.tree(repo_id, commit, 1000, "meta")
        except (Gone, SourceUnavailable) as error:
            if isinstance(error.__cause__, _entry_errors()):
                return None
            raise
        return next((file.blob_id for file in files if file.path == "meta/info.json"), None)

    def published_at(self, repo_id: str, sha: str) -> str | None:
        """Returns when `data/` was last committed to; else when the repository was made. None where neither is told."""
        with _refusals(repo_id):
            top = self._api.list_repo_tree(repo_id, expand=True, revision=sha, repo_type=DATASET)
            for item in islice(top, MOST_TOP_LEVEL):
                if item.path == "data" and item.last_commit is not None:
                    return _utc(item.last_commit.date)
            made = self._api.dataset_info(repo_id, expand=["createdAt"]).created_at
            return _utc(made) if made else None

    @contextmanager
    def open(self, repo_id: str, sha: str, path: str, first_byte: int) -> Iterator[httpx2.Response]:
        """Opens a file of a commit from `first_byte` on, following redirects to where it is stored."""
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

        url = hf_hub_url(repo_id, path, repo_type=DATASET, revision=sha, endpoint=self.endpoint)
        headers = build_hf_headers(library_name="deftworks") | {"Accept-Encoding": "identity"}
        if first_byte:
            headers["Range"] = f"bytes={first_byte}-"
        with ExitStack() as stack:
            with _refusals(repo_id):  # not around the reading: a body that is cut is resumed by who reads it
                response = stack.enter_context(get_session().stream("GET", url, headers=headers))
                if response.status_code != BEYOND_THE_END:
                    hf_raise_for_status(response)
            yield response


def _listed(info: Any) -> Listed:
    sha = info.sha if isinstance(info.sha, str) and SHA.fullmatch(info.sha) else None
    return Listed(str(info.id), sha, bool(info.disabled))


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    """Says in our words what a failed question means."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        yield
    except HfHubHTTPError as error:
        raise _meaning(what, error) from error
    except HFValidationError as error:
        raise Gone(f"The Hub cannot have a dataset {what!r}.", hint="Check its spelling.") from error
    except OfflineModeIsEnabled as error:
        raise SourceUnavailable("The Hub client is switched off.", hint="Unset HF_HUB_OFFLINE.") from error
    except httpx2.HTTPError as error:
        raise SourceUnavailable(
            f"The Hub does not answer for {what} ({type(error).__name__}).", hint="Try again later."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"What answers at the Hub's address for {what} is not the Hub's language."
        raise SourceUnavailable(message, hint="Check HF_ENDPOINT and the network.") from error


def _meaning(what: str, error: Any) -> Gone | Gated | SourceUnavailable:
    from huggingface_hub.errors import DisabledRepoError, GatedRepoError, RepositoryNotFoundError

    status = error.response.status_code
    code, said = error.response.headers.get("X-Error-Code"), error.response.headers.get("X-Error-Message") or ""
    if isinstance(error, GatedRepoError) or code == "GatedRepo":
        return Gated(f"{what} is gated.", hint="Ask for access on its page, set HF_TOKEN, and crawl with --retry-now.")
    if isinstance(error, DisabledRepoError):
        return Gone(f"The Hub has disabled {what}.")
    if code in ("RevisionNotFound", "EntryNotFound"):
        return SourceUnavailable(f"The commit or file of {what} that was listed is not there now.", hint="List again.")
    if "Invalid credentials" in said or (status == 401 and "Invalid" in said and "token" in said.lower()):
        return SourceUnavailable("The Hub refuses the token.", hint="Renew HF_TOKEN, or unset it.")
    if isinstance(error, RepositoryNotFoundError) or status in (401, 404, 410):
        return Gone(f"The Hub has no dataset {what} for us: deleted, private, or never there.")
    if status == 403:
        return Gated(f"The Hub refuses {what}: {said or 'forbidden'}.", hint="Set HF_TOKEN to one that may read it.")
    return SourceUnavailable(f"The Hub answered {status} for {what}.", hint="Try again later.")


def _entry_errors() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError

    return (EntryNotFoundError, RevisionNotFoundError)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
