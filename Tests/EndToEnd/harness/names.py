"""A name server that answers what a test says, or nothing at all."""

import asyncio
import ipaddress
import struct
from dataclasses import dataclass, field

from .ports import free_port

A, AAAA, CNAME = 1, 28, 5
NO_ERROR, SERVER_FAILED, NO_SUCH_NAME, REFUSED = 0, 2, 3, 5


@dataclass
class Question:
    name: str
    type: int
    id: int
    #: Where it came from: a port for each socket of who asks.
    sender: tuple
    over_tcp: bool
    raw: bytes


@dataclass
class Answer:
    addresses: list[str] = field(default_factory=list)
    ttl: int = 60
    code: int = NO_ERROR
    #: Types of which questions get no answer.
    silent: tuple[int, ...] = ()
    #: Over UDP only that it doesn't fit.
    truncated: bool = False
    #: Names on the way from the one that is asked for to the one that has the addresses.
    aliases: list[str] = field(default_factory=list)


class NameServer(asyncio.DatagramProtocol):
    """What isn't said doesn't exist."""

    def __init__(self):
        self.port = free_port()
        self.answers: dict[str, object] = {}
        self.questions: list[Question] = []

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> "NameServer":
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self.port))
        self.listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    def stop(self):
        self.transport.close()
        self.listener.close()

    def say(self, name: str, *addresses: str, **how):
        self.answers[name] = Answer(list(addresses), **how)

    def ignore(self, name: str):
        self.answers[name] = Answer(silent=(A, AAAA))

    def script(self, name: str, answer):
        """`answer(question)` gives the messages that go back."""
        self.answers[name] = answer

    def asked(self, name: str, type: int | None = None) -> int:
        """How often it was asked, each question of a client's once however often that was sent."""
        return len({(q.id, q.type, q.sender) for q in self.questions if q.name == name and type in (None, q.type)})

    def heard(self, name: str, type: int | None = None) -> int:
        """How many messages came with the question."""
        return sum(q.name == name and type in (None, q.type) for q in self.questions)

    def datagram_received(self, data: bytes, sender: tuple):
        for message in self._answers(data, sender, over_tcp=False):
            self.transport.sendto(message, sender)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                data = await reader.readexactly(length)
                for message in self._answers(data, writer.get_extra_info("peername"), over_tcp=True):
                    writer.write(struct.pack("!H", len(message)) + message)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answers(self, data: bytes, sender: tuple, over_tcp: bool) -> list[bytes]:
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += data[at] + 1
        (type,) = struct.unpack("!H", data[at + 1 : at + 3])
        question = Question(".".join(labels).lower(), type, int.from_bytes(data[:2], "big"), sender, over_tcp, data[12 : at + 5])
        self.questions.append(question)
        answer = self.answers.get(question.name, Answer(code=NO_SUCH_NAME))
        return answer(question) if callable(answer) else usual(question, answer)


def usual(question: Question, answer: Answer) -> list[bytes]:
    if question.type in answer.silent:
        return []
    if answer.truncated and not question.over_tcp:
        return [message(question, [], flags=0x8380)]
    records, name = [], question.name
    for alias in answer.aliases:
        records.append(record(name, CNAME, answer.ttl, encoded(alias)))
        name = alias
    for address in map(ipaddress.ip_address, answer.addresses):
        if question.type == (A if address.version == 4 else AAAA):
            records.append(record(name, question.type, answer.ttl, address.packed))
    return [message(question, records, flags=0x8180 | answer.code)]


def message(question: Question, records: list[bytes], flags: int = 0x8180, id: int | None = None, count: int | None = None) -> bytes:
    header = struct.pack("!HHHHHH", question.id if id is None else id, flags, 1, len(records) if count is None else count, 0, 0)
    return header + question.raw + b"".join(records)


def record(name: str, type: int, ttl: int, data: bytes) -> bytes:
    return encoded(name) + struct.pack("!HHIH", type, 1, ttl, len(data)) + data


def encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
