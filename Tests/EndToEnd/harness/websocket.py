"""WebSocket clients that go through a proxy in both ways, and the echo that they talk to."""

import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import serve


class _AbsoluteForm(ClientConnection):
    """Asks the proxy for the upgrade as it would ask for a page: no CONNECT, the whole URL as target."""

    def __init__(self, protocol, **options):
        super().__init__(protocol, **options)
        origin_form = protocol.connect

        def absolute_form():
            request = origin_form()
            request.path = f"http://{protocol.uri.host}:{protocol.uri.port}{request.path}"
            return request

        protocol.connect = absolute_form


def open_websocket(proxy_port: int, url: str, way: str, **options):
    """`way` is `connect` or `upgrade`. An async context manager, as `websockets.connect`."""
    options = {"max_size": 1 << 24, "open_timeout": 60, "ping_interval": None, **options}
    if way == "connect":
        return connect(url, proxy=f"http://127.0.0.1:{proxy_port}", **options)
    return connect(url, proxy=None, host="127.0.0.1", port=proxy_port, create_connection=_AbsoluteForm, **options)


async def _echo(connection):
    async for message in connection:
        if isinstance(message, str) and message.startswith("close "):
            _, code, reason = message.split(" ", 2)
            await connection.close(int(code), reason)
            return
        await connection.send(message)


def serve_echo():
    """Sends every message back; `close CODE REASON` makes it close. An async context manager of a server."""
    return serve(_echo, "127.0.0.1", 0, max_size=1 << 24, ping_interval=None, compression=None, backlog=4096)


def port_of(server: websockets.Server) -> int:
    return server.sockets[0].getsockname()[1]
