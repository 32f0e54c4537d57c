"""A collector of OpenTelemetry that takes what is sent by OTLP/HTTP in its JSON form, or behaves badly."""

import asyncio
import json
from dataclasses import dataclass, field

from .ports import free_port

ZEROS = b"0" * (1 << 20)


@dataclass
class Span:
    """A span as it was sent, with the program that sent it."""

    service: str
    trace: str
    id: str
    parent: str | None
    name: str
    kind: int
    began: int
    ended: int
    attributes: dict
    error: str | None

    @staticmethod
    def read(service: str, sent: dict) -> "Span":
        status = sent.get("status", {})
        assert set(sent) <= {"traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes", "status"}
        # ProtoJSON: ids of OTLP in hexadecimal digits, numbers of 64 bits as texts.
        assert len(sent["traceId"]) == 32 and int(sent["traceId"], 16) and len(sent["spanId"]) == 16 and int(sent["spanId"], 16)
        assert isinstance(sent["startTimeUnixNano"], str) and isinstance(sent["endTimeUnixNano"], str)
        return Span(
            service, sent["traceId"], sent["spanId"], sent.get("parentSpanId"), sent["name"], sent["kind"], int(sent["startTimeUnixNano"]),
            int(sent["endTimeUnixNano"]), attributes(sent["attributes"]), status.get("message", "") if status.get("code") == 2 else None,
        )  # fmt: skip


def attributes(sent: list) -> dict:
    values = {}
    for each in sent:
        ((kind, value),) = each["value"].items()
        values[each["key"]] = int(value) if kind == "intValue" else value
    return values


@dataclass
class Collector:
    """`behaviour` is what it does with requests: "take", "silence", "flood", "drip" (takes it, and its answer never ends), "part" (rejects a span), "busy" (503 once, then
    "take"), or a status."""

    behaviour: object = "take"
    port: int = field(default_factory=free_port)
    spans: list[Span] = field(default_factory=list)
    metrics: list[dict] = field(default_factory=list)
    requests: list[dict] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "Collector":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self._open: set[asyncio.StreamWriter] = set()
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._open.add(writer)
        try:
            while True:
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(fields["content-length"]))
        method, path, _ = head[0].split(" ")
        assert method == "POST" and fields["content-type"] == "application/json"
        self.requests.append({"path": path, "fields": fields, "size": len(body)})
        if self.behaviour == "silence":
            await asyncio.Event().wait()
        if self.behaviour == "flood":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
            for _ in range(1024):
                writer.write(ZEROS)
                await writer.drain()
            return
        if self.behaviour == "drip":
            self._take(path, json.loads(body))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            await writer.drain()
            return await asyncio.Event().wait()
        if self.behaviour == "busy":
            self.behaviour = "take"
            writer.write(b"HTTP/1.1 503 No\r\nRetry-After: 4\r\nContent-Length: 0\r\n\r\n")
            return await writer.drain()
        if self.behaviour == "part":
            answer = b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
            return await writer.drain()
        if self.behaviour == "take":
            self._take(path, json.loads(body))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        else:
            writer.write(f"HTTP/1.1 {self.behaviour} No\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    def _take(self, path: str, message: dict):
        if path == "/v1/traces":
            for resource in message["resourceSpans"]:
                service = attributes(resource["resource"]["attributes"])["service.name"]
                for scope in resource["scopeSpans"]:
                    self.spans += [Span.read(service, span) for span in scope["spans"]]
        else:
            assert path == "/v1/metrics"
            for resource in message["resourceMetrics"]:
                service = attributes(resource["resource"]["attributes"])["service.name"]
                for scope in resource["scopeMetrics"]:
                    self.metrics += [{"service": service, **metric} for metric in scope["metrics"]]

    def of(self, service: str) -> list[Span]:
        """The spans of exchanges that a program has sent."""
        return [span for span in self.spans if span.service == service and "fluidity.exchange" in span.attributes]

    def children(self, span: Span) -> dict[str, Span]:
        return {other.name: other for other in self.spans if other.parent == span.id and "fluidity.exchange" not in other.attributes}
