"""What an admin listener says."""

import json

from prometheus_client.parser import text_string_to_metric_families

from . import wire
from .client import Connection
from .wire import Fields, Message


class Admin:
    """The admin listener on a port of this machine."""

    def __init__(self, port: int):
        self.port = port
        self.settings = {"listen": f"127.0.0.1:{port}"}

    async def ask(self, path: str, method: str = "GET", fields: Fields = (), host: str | None = None) -> Message:
        async with await Connection.open(self.port) as connection:
            named = ("Host", host or f"127.0.0.1:{self.port}")
            await connection.send(wire.head(f"{method} {path} HTTP/1.1", [named, *fields]))
            return await connection.response(method)

    async def ready(self) -> bool:
        return (await self.ask("/readyz")).status == 200

    async def pipeline(self) -> dict:
        return json.loads((await self.ask("/pipeline")).body)

    async def metrics(self) -> "Metrics":
        response = await self.ask("/metrics")
        assert response.status == 200
        assert response.get("content-type") == "text/plain; version=0.0.4; charset=utf-8"
        return Metrics(response.body.decode())


class Metrics:
    """One answer of /metrics, as Prometheus' own client library reads it."""

    def __init__(self, text: str):
        self.text = text
        self.families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def sum(self, name: str, **labels) -> float:
        """All samples of the name that have the labels, whatever their others."""
        found = [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]
        assert found, f"no {name} with {labels} in:\n{self.text}"
        return sum(found)
