"""Makes the next items while the last one is used: batches beside the step, and several files decoded at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


def read_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yields the same items in the same order, each made in a thread while the one before is used. Errors come at their place."""
    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(next, items, _END)
        while (item := coming.result()) is not _END:
            coming = worker.submit(next, items, _END)
            yield item


def side_by_side(work: Iterator[Callable[[], Item]], num_threads: int) -> Iterator[Item]:
    """Yields what each work returns, in order, `num_threads` of them done at once; the next one is asked for when one is needed.

    An error comes at its place, after the work that had begun is done.
    """
    with ThreadPoolExecutor(num_threads) as workers:
        coming: deque[Future[Item]] = deque()
        try:
            for one in work:
                coming.append(workers.submit(one))
                if len(coming) > num_threads:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            workers.shutdown(cancel_futures=True)
