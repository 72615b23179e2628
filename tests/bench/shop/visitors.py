"""People who browse without drawing: live sessions that speak Streamlit's own protocol to the shop, as a browser's script does.

A browser on the same two processors spends more on drawing than the shop on answering. Each visitor here is a websocket with a session of
its own; what is measured is from a click until the script has run to its end and everything that it sent has arrived.
"""

from __future__ import annotations

import asyncio
import random
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from tests.bench.shop.seen import THINKING_S, WORDS, Seen


async def visit(address: str, number: int, skills: list[str], until: float, seen: Seen) -> None:
    """One person: opens a skill, goes back, searches, until it is time."""
    dice = random.Random(number)
    try:
        async with session(address) as socket:
            await asked(socket, "", "", seen)
            while time.monotonic() < until:
                for what, page, query in (
                    ("open a skill", "pack", f"skill={dice.choice(skills)}"),
                    ("back to the shelf", "", ""),
                    ("search", "", f"q={dice.choice(WORDS)}"),
                ):
                    await asyncio.sleep(dice.uniform(*THINKING_S))
                    begun = time.perf_counter()
                    await asked(socket, page, query, seen)
                    seen.add(what, time.perf_counter() - begun)
    except Exception as error:
        seen.errors.append(f"visitor {number}: {error!r}")


def session(address: str) -> connect:
    """Returns a live session with the shop, to be entered."""
    url = address.replace("http", "ws", 1) + "/_stcore/stream"
    return connect(url, subprotocols=["streamlit"], origin=address, max_size=None)


async def asked(socket: ClientConnection, page: str, query: str, seen: Seen) -> None:
    """Asks for a page and returns when its script has finished."""
    message = BackMsg()
    message.rerun_script.page_name, message.rerun_script.query_string = page, query
    await socket.send(message.SerializeToString())
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(await socket.recv())
        kind = answer.WhichOneof("type")
        if kind == "delta" and answer.delta.new_element.WhichOneof("type") == "exception":
            seen.errors.append(answer.delta.new_element.exception.message)
        if kind == "page_not_found":
            seen.errors.append(f"no page {page!r}")
        if kind == "script_finished" and answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            return
