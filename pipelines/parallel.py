"""Many small pieces of work that wait for the network, a bounded number of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Yields the result of each piece as it is done. The first exception ends it, after the pieces in hand are finished.

    Ctrl-C does not wait for them: what they do must be safe to abandon, and their threads end with the process.
    """
    pool = ThreadPoolExecutor(workers)
    try:
        tasks = [pool.submit(work, item) for item in items]
        for task in as_completed(tasks):
            yield task.result()
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
