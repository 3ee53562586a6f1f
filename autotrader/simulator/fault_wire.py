"""How the bytes of an answer reach the caller, or do not."""

from __future__ import annotations

import socket
import struct
import threading

from autotrader.simulator.faults import Delivery

_NO_LINGER = struct.pack("ii", 1, 0)


def send(
    connection: socket.socket, content: bytes, body_length: int, delivery: Delivery, closing: threading.Event
) -> bool:
    """Send an answer in its manner; False when the connection is to be closed. Raises OSError.

    ``content`` is head and body, the last ``body_length`` bytes are the body. ``closing`` ends all waiting.
    """
    if delivery.wait:
        closing.wait(delivery.wait)
    head = len(content) - body_length
    if delivery.manner in ("whole", "twice"):
        connection.sendall(content * (2 if delivery.manner == "twice" else 1))
        return True
    if delivery.manner == "drip":
        return _drip(connection, content, delivery.pause, closing)
    kept = {"reset_head": head, "reset_after": len(content), "half": head + body_length // 2}
    connection.sendall(content[: kept.get(delivery.manner, 0)])
    if delivery.manner.startswith("reset"):
        # A socket closed without lingering answers with a reset in place of an orderly end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    return False


def _drip(connection: socket.socket, content: bytes, pause: float, closing: threading.Event) -> bool:
    for index in range(len(content)):
        connection.sendall(content[index : index + 1])
        if closing.wait(pause):
            return False
    return True
