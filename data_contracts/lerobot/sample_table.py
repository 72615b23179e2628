"""What the sample table of a regular AV1 file in mp4 says, read without FFmpeg, which takes ten times as long to open it.

Boxes and their fields: ISO/IEC 14496-12, "AV1 Codec ISO Media File Format Binding" for `av01`. Regular is what recorders
write: one AV1 track of 8 bits 4:2:0, all samples in the file, shown one after the other from zero. For everything else there
is no answer here, and FFmpeg is asked (`video`). AV1 has no frames out of order, so decoding times are presentation times.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

MAX_MOOV_BYTES = 16 * 2**20
"""A million frames take less."""
_AROUND_MOOV = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"}
_OF_TABLE = {b"stsd", b"stts", b"stss", b"stsc", b"stsz", b"stco", b"co64"}
"""Others (`ctts`, `sbgp`, ...) change what is shown when, or where decoding can start."""
_ENTRY_BYTES = 78
"""The fixed part of a visual sample entry, before its own boxes."""
_IS_8_BIT_420, _FORMAT_BITS = 0b0000_1100, 0b0111_1100
"""In the third byte of `av1C`: two bits of depth, monochrome, subsampling across and down."""


class SampleTable(NamedTuple):
    """`pts` ascending in units of `time_base` seconds; `key_frames` are frame numbers."""

    width: int
    height: int
    fps: Fraction
    time_base: Fraction
    has_audio: bool
    pts: np.ndarray
    key_frames: np.ndarray


class _Irregular(Exception):
    """Something that this module leaves to FFmpeg."""


def read_sample_table(path: Path) -> SampleTable | None:
    """Returns what a regular AV1 file holds, None for any other file, a damaged one too. Raises OSError."""
    try:
        with path.open("rb", buffering=0) as file:
            size = file.seek(0, 2)
            return _table(_moov(file, size), size)
    except (_Irregular, struct.error, LookupError, ValueError):  # boxes that are cut off or missing among them
        return None


def _moov(file: BinaryIO, file_size: int) -> bytes:
    """Returns the content of the only `moov` box, which says all about a file without fragments."""
    found, start = [], 0
    while start < file_size:
        file.seek(start)
        head = file.read(16)
        size, kind = struct.unpack_from(">I4s", head)
        inside = 8
        if size == 1:
            inside, size = 16, struct.unpack_from(">Q", head, 8)[0]
        size = size or file_size - start
        if kind not in _AROUND_MOOV or size < inside or start + size > file_size or (start == 0) != (kind == b"ftyp"):
            raise _Irregular
        if kind == b"moov":
            if size > MAX_MOOV_BYTES:
                raise _Irregular
            file.seek(start + inside)
            found.append(file.read(size - inside))
        start += size
    if len(found) != 1:
        raise _Irregular
    return found[0]


def _table(moov: bytes, file_size: int) -> SampleTable:
    tracks: dict[bytes, list[dict[bytes, bytes]]] = {b"vide": [], b"soun": []}
    movie_scale = 0
    for kind, content in _boxes(moov):
        if kind == b"mvhd":
            movie_scale = _time_scale(content)
        elif kind == b"trak":
            track = _only(content)
            media = _only(track[b"mdia"])
            tracks[media[b"hdlr"][8:12]].append(track | media)  # KeyError for any third kind of track
        elif kind != b"udta":
            raise _Irregular
    if len(tracks[b"vide"]) != 1:
        raise _Irregular
    video = tracks[b"vide"][0]
    table = _only(_only(video[b"minf"])[b"stbl"])
    if not table.keys() <= _OF_TABLE:
        raise _Irregular
    width, height = _frame_size(table[b"stsd"])
    sizes = _sizes(table[b"stsz"])
    num_frames = len(sizes)
    steps = _steps(table[b"stts"], num_frames)
    scale, pts = _time_scale(video[b"mdhd"]), np.cumsum(steps) - steps
    places = _places(table, sizes)
    if not steps.all() or not sizes.all() or places.min() < 0 or (places + sizes).max() > file_size:
        raise _Irregular
    if b"edts" in video and not _shows_all(video[b"edts"], int(pts[-1]), scale, movie_scale):
        raise _Irregular
    return SampleTable(
        width=width,
        height=height,
        fps=Fraction(scale * num_frames, int(steps.sum())),
        time_base=Fraction(1, scale),
        has_audio=bool(tracks[b"soun"]),
        pts=pts,
        key_frames=_key_frames(table, num_frames),
    )


def _boxes(content: bytes, start: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Yields kind and content of each box."""
    while start < len(content):
        size, kind = struct.unpack_from(">I4s", content, start)
        if not 8 <= size <= len(content) - start:
            raise _Irregular
        yield kind, content[start + 8 : start + size]
        start += size


def _only(content: bytes, start: int = 0) -> dict[bytes, bytes]:
    """Returns the boxes by kind, where none comes twice."""
    boxes = list(_boxes(content, start))
    by_kind = dict(boxes)
    if len(by_kind) != len(boxes):
        raise _Irregular
    return by_kind


def _time_scale(header: bytes) -> int:
    """Returns the units per second of `mvhd` or `mdhd`."""
    scale = struct.unpack_from(">I", header, 20 if header[0] else 12)[0]
    if not scale:
        raise _Irregular
    return scale


def _frame_size(description: bytes) -> tuple[int, int]:
    """Returns width and height of `stsd`, where it has one entry of AV1 in 8 bits 4:2:0."""
    kind, entry = next(_boxes(description, 8))
    if struct.unpack_from(">I", description, 4)[0] != 1 or kind != b"av01":
        raise _Irregular
    coding = _only(entry, _ENTRY_BYTES)[b"av1C"]
    width, height = struct.unpack_from(">HH", entry, 24)
    if not width or not height or coding[0] != 0x81 or coding[2] & _FORMAT_BITS != _IS_8_BIT_420:
        raise _Irregular
    return width, height


def _steps(content: bytes, num_frames: int) -> np.ndarray:
    """Returns the duration of each sample, of `stts`."""
    counts, steps = _numbers(content, 2).T
    if counts.sum() != num_frames:
        raise _Irregular
    return np.repeat(steps, counts)


def _sizes(content: bytes) -> np.ndarray:
    """Returns the bytes of each sample, of `stsz`. One size for all is no video."""
    if struct.unpack_from(">I", content, 4)[0]:
        raise _Irregular
    return _numbers(content, 1, start=8)[:, 0]


def _places(table: dict[bytes, bytes], sizes: np.ndarray) -> np.ndarray:
    """Returns where each sample begins in the file: samples of a chunk lie one after the other."""
    if (b"stco" in table) == (b"co64" in table):
        raise _Irregular
    chunks = _numbers(table[b"stco"], 1) if b"stco" in table else _numbers(table[b"co64"], 1, kind=">u8")
    firsts, per_chunk, _ = _numbers(table[b"stsc"], 3).T
    runs = np.diff(np.append(firsts, len(chunks) + 1))
    if not len(chunks) or firsts[0] != 1 or (runs <= 0).any():
        raise _Irregular
    counts = np.repeat(per_chunk, runs)
    if counts.sum() != len(sizes) or not counts.all():
        raise _Irregular
    before = np.cumsum(sizes) - sizes
    return before + np.repeat(chunks[:, 0] - before[np.cumsum(counts) - counts], counts)


def _key_frames(table: dict[bytes, bytes], num_frames: int) -> np.ndarray:
    """Returns the numbers listed in `stss`; without it decoding can start at any frame."""
    if b"stss" not in table:
        return np.arange(num_frames)
    numbers = _numbers(table[b"stss"], 1)[:, 0] - 1
    if not len(numbers) or (np.diff(numbers) <= 0).any() or numbers[0] < 0 or numbers[-1] >= num_frames:
        raise _Irregular
    return numbers


def _shows_all(edits: bytes, last: int, scale: int, movie_scale: int) -> bool:
    """Returns True where the edit list shows every frame at its own time: one edit, from zero to beyond the last frame."""
    content = _only(edits)[b"elst"]
    duration, start, rate = struct.unpack_from(">QqI" if content[0] else ">IiI", content, 8)
    return (
        struct.unpack_from(">I", content, 4)[0] == 1
        and (start, rate) == (0, 0x10000)
        and movie_scale > 0
        and duration * scale > last * movie_scale
    )


def _numbers(content: bytes, width: int, start: int = 4, kind: str = ">u4") -> np.ndarray:
    """Returns the rows of a table whose length stands at `start`, int64 (N, width)."""
    num_rows = struct.unpack_from(">I", content, start)[0]
    return np.frombuffer(content, kind, num_rows * width, start + 4).astype(np.int64).reshape(num_rows, width)
