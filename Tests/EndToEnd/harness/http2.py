"""An HTTP/2 client on the h2 package: streams by hand, with nothing credited that the test doesn't credit."""

import asyncio
import ssl

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from .waiting import PATIENCE


class _Connection(h2.connection.H2Connection):
    """Goes on after GOAWAY, as RFC 9113 has it: the package takes it for the end."""

    goaway = None

    def _receive_goaway_frame(self, frame):
        self.goaway = frame
        return [], []


class Stream:
    """One stream's events as they came."""

    def __init__(self, client: "HTTP2Client", number: int):
        self.client = client
        self.number = number
        self.informational: list[dict] = []
        self.headers: dict | None = None
        self.fields: list[tuple[str, str]] = []
        self.body = b""
        self.trailers: dict | None = None
        self.ended = False
        self.reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.headers[":status"])

    def every(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field == name]

    async def head(self) -> dict:
        await self.client.until(lambda: self.headers is not None or self.reset is not None)
        assert self.headers is not None, f"reset with {self.reset}"
        return self.headers

    async def done(self) -> "Stream":
        await self.client.until(lambda: self.ended or self.reset is not None)
        return self

    async def read(self, count: int) -> bytes:
        """The next bytes of the body, exactly so many."""
        await self.client.until(lambda: len(self.body) >= count or self.ended or self.reset is not None)
        data, self.body = self.body[:count], self.body[count:]
        assert len(data) == count, (data, self.ended, self.reset)
        return data

    async def send(self, data: bytes = b"", end: bool = False):
        """Waits for the window, as it must."""
        view = memoryview(data)
        while view:
            window = min(self.client.h2.local_flow_control_window(self.number), self.client.h2.max_outbound_frame_size)
            if window <= 0:
                await self.client.until(
                    lambda: self.reset is not None or self.client.h2.local_flow_control_window(self.number) > 0
                )
                if self.reset is not None:
                    return
                continue
            self.client.h2.send_data(self.number, bytes(view[:window]))
            view = view[window:]
            await self.client.flush()
        if end:
            self.client.h2.end_stream(self.number)
            await self.client.flush()

    async def cancel(self, code: int = 8):
        self.client.h2.reset_stream(self.number, code)
        await self.client.flush()


class HTTP2Client:
    def __init__(self, reader, writer, credits: bool):
        self.reader = reader
        self.writer = writer
        self.credits = credits
        self.h2 = _Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False))
        self.streams: dict[int, Stream] = {}
        self.settings: dict = {}
        self.closed = False
        self._news = asyncio.Condition()
        self._task = None

    @classmethod
    async def open(cls, port: int, identity, *, credits: bool = True, window: int | None = None) -> "HTTP2Client":
        context = ssl.create_default_context(cafile=str(identity.ca))
        context.load_cert_chain(str(identity.certificate), str(identity.key))
        context.set_alpn_protocols(["h2"])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        client = cls(reader, writer, credits)
        if window is not None:
            client.h2.local_settings = h2.settings.Settings(client=True, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window, h2.settings.SettingCodes.ENABLE_PUSH: 0})
        client.h2.initiate_connection()
        await client.flush()
        client._task = asyncio.create_task(client._run())
        await client.until(lambda: client.settings)
        return client

    @property
    def goaway(self):
        """The last GOAWAY frame that came."""
        return self.h2.goaway

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        self.writer.transport.abort()

    async def flush(self):
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    def forget_stream_limit(self):
        """Opens more streams than the server allows."""
        self.h2.remote_settings = h2.settings.Settings(client=False, initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1000})

    async def until(self, condition, within: float = 20):
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: self.closed or condition()), within * PATIENCE)
        assert condition(), "the connection has ended"

    async def request(self, headers: list[tuple[str, str]], *, body: bytes | None = None, end: bool = True) -> Stream:
        number = self.h2.get_next_available_stream_id()
        stream = self.streams[number] = Stream(self, number)
        self.h2.send_headers(number, headers, end_stream=end and body is None)
        await self.flush()
        if body is not None:
            await stream.send(body, end=end)
        return stream

    async def _run(self):
        try:
            while data := await self.reader.read(1 << 16):
                for event in self.h2.receive_data(data):
                    self._take(event)
                await self.flush()
                async with self._news:
                    self._news.notify_all()
        except (ConnectionError, h2.exceptions.ProtocolError):
            pass
        finally:
            self.closed = True
            async with self._news:
                self._news.notify_all()

    def _take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        match event:
            case h2.events.RemoteSettingsChanged():
                self.settings = {code: change.new_value for code, change in event.changed_settings.items()}
            case h2.events.InformationalResponseReceived():
                stream.informational.append(dict(event.headers))
            case h2.events.ResponseReceived():
                stream.fields = event.headers
                stream.headers = dict(event.headers)
            case h2.events.TrailersReceived():
                stream.trailers = dict(event.headers)
            case h2.events.DataReceived():
                stream.body += event.data
                if self.credits:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                stream.ended = True
            case h2.events.StreamReset():
                stream.reset = event.error_code


def get(url: str, method: str = "GET", *fields: tuple[str, str]) -> list[tuple[str, str]]:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return [(":method", method), (":scheme", scheme), (":authority", authority), (":path", slash + path), *fields]


def tunnel(authority: str) -> list[tuple[str, str]]:
    return [(":method", "CONNECT"), (":authority", authority)]


def websocket(url: str, *fields: tuple[str, str]) -> list[tuple[str, str]]:
    head = get(url.replace("ws", "http", 1), "CONNECT")
    return [head[0], (":protocol", "websocket"), *head[1:], ("sec-websocket-version", "13"), *fields]
