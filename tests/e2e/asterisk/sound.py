"""What a test phone says and hears: tones in G.711, keys in RFC 4733, and who hears which."""

import asyncio
import math
import random
import struct
from typing import Final, cast

KEYS: Final = "0123456789*#ABCD"
RATE: Final = 8000
PACKET: Final = 160
HEARD: Final = 2000.0
"""A tone that is sent arrives with about 8000, music with 6000, and one that is not with less than 200."""


def _encode(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    sample = min(abs(sample), 32635) + 0x84
    exponent = max(0, sample.bit_length() - 8)
    return ~(sign | exponent << 4 | (sample >> (exponent + 3)) & 0x0F) & 0xFF


def _decode(byte: int) -> int:
    byte = ~byte & 0xFF
    sample = (((byte & 0x0F) << 3) + 0x84) << ((byte & 0x70) >> 4)
    return 0x84 - sample if byte & 0x80 else sample - 0x84


_DECODED: Final = [_decode(byte) for byte in range(256)]


def strength(samples: list[int], frequency: int) -> float:
    """How loud one frequency is (Goertzel): the amplitude of a pure tone."""
    coefficient = 2 * math.cos(2 * math.pi * frequency / RATE)
    last = before = 0.0
    for sample in samples:
        last, before = sample + coefficient * last - before, last
    return math.sqrt(max(0.0, last * last + before * before - coefficient * last * before)) / (len(samples) / 2)


class Sound(asyncio.DatagramProtocol):
    """One RTP stream in each direction. Sends its tone every 20 ms for as long as it lasts."""

    def __init__(self, tone: int) -> None:
        self.tone = tone
        self.remote: tuple[str, int] | None = None
        self.keys = ""
        self.port = 0
        self.pressed = asyncio.Event()
        self.arrived = asyncio.Event()
        self._key_time = b""
        self._samples: list[int] = []
        self._payload = [
            bytes(_encode(int(8000 * math.sin(2 * math.pi * tone * n / RATE))) for n in range(start, start + PACKET))
            for start in range(0, RATE, PACKET)
        ]
        self._pressing: list[tuple[int, bytes]] = []
        self._sent = random.randrange(1000)
        self._source = random.getrandbits(32)
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]
        self._send()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 16:
            return
        kind = data[1] & 0x7F
        if kind == 101 and data[4:8] != self._key_time:
            self._key_time = data[4:8]
            self.keys += KEYS[data[12]] if data[12] < 16 else ""
            self.arrived.set()
        elif kind == 0:
            self.arrived.set()
            self._samples = [*self._samples[-RATE:], *(_DECODED[byte] for byte in data[12:])]

    def forget(self) -> None:
        """What has been heard so far does not count."""
        self._samples = []

    async def comes_to(self, yes: int, no: int) -> bool:
        """Waits until one tone is heard, and the other not."""
        self.forget()
        while not (self.hears(yes) and self.hears(no) is False):
            self.arrived.clear()
            await self.arrived.wait()
        return True

    async def press(self, keys: str) -> None:
        """Presses these keys one after the other, each for a tenth of a second, in place of the tone."""
        for key in keys:
            number = KEYS.index(key)
            held = [(count, struct.pack("!BBH", number, 10, PACKET * count)) for count in range(1, 6)]
            let_go = [(count, struct.pack("!BBH", number, 0x80 | 10, PACKET * 6)) for count in range(6, 9)]
            self._pressing += [*held, *let_go, *[(0, b"")] * 3]
        self.pressed.clear()
        await self.pressed.wait()

    async def gets_keys(self, keys: str) -> bool:
        """Waits until these keys have been received."""
        while self.keys != keys:
            self.arrived.clear()
            await self.arrived.wait()
        return True

    def hears(self, frequency: int) -> bool | None:
        """Whether this tone is heard now; None while too little has been heard at all."""
        recent = self._samples[-1600:]
        return strength(recent, frequency) > HEARD if len(recent) == 1600 else None

    def close(self) -> None:
        self.pressed.set()  # the keys may have ended the call
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    def _send(self) -> None:
        assert self._transport is not None
        self._timer = asyncio.get_running_loop().call_later(0.02, self._send)
        self._sent += 1
        if self.remote is not None and not self._transport.is_closing():
            kind, body, moment = 0, self._payload[self._sent % len(self._payload)], self._sent
            if self._pressing:
                since, key = self._pressing.pop(0)
                if key:  # all packets of a key carry the moment when it went down
                    kind, body, moment = 101, key, self._sent - since
                if not self._pressing:
                    self.pressed.set()
            head = struct.pack("!BBHII", 0x80, kind, self._sent & 0xFFFF, moment * PACKET & 0xFFFFFFFF, self._source)
            self._transport.sendto(head + body, self.remote)
