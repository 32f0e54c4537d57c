"""Times the first byte of new HTTPS connections: python3 first_byte.py CA ORIGIN PATH COUNT [--eager] [PROXY]

Prints a line of JSON: milliseconds from the beginning of the connection to the first byte of the answer. With --eager the first bytes of
TLS go along with CONNECT, as from a client that doesn't wait for the proxy's answer."""

import json
import socket
import ssl
import sys
import time

arguments = [argument for argument in sys.argv[1:] if argument != "--eager"]
eager = "--eager" in sys.argv
ca, origin, path, count = arguments[:4]
proxy = arguments[4] if len(arguments) > 4 else None
context = ssl.create_default_context(cafile=ca)
context.minimum_version = ssl.TLSVersion.TLSv1_3


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(4096)
        if not part:
            raise SystemExit(f"the proxy closed the connection: {data!r}")
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    if b" 200" not in head.split(b"\r\n")[0]:
        raise SystemExit(f"the proxy said {head!r}")
    return rest


def once():
    began = time.monotonic()
    connection = socket.create_connection(endpoint(proxy or origin), 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connect = f"CONNECT {origin} HTTP/1.1\r\nHost: {origin}\r\n\r\n".encode() if proxy else b""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    if proxy and not eager:
        connection.sendall(connect)
        incoming.write(read_head(connection))
        connect = b""
    answered = not (proxy and eager)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    step = tls.do_handshake
    while True:
        try:
            result = step()
            if step == tls.do_handshake:
                tls.write(request)
                step = lambda: tls.read(4096)  # noqa: E731
                continue
            first = time.monotonic()
            if not result.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the origin said {result[:80]!r}")
            connection.close()
            return (first - began) * 1e3
        except ssl.SSLWantReadError:
            waiting = connect + outgoing.read()
            connect = b""
            if waiting:
                connection.sendall(waiting)
            if not answered:
                rest = read_head(connection)
                answered = True
                if rest:
                    incoming.write(rest)
                    continue
            data = connection.recv(65536)
            if not data:
                raise SystemExit("the connection was closed")
            incoming.write(data)


print(json.dumps([once() for _ in range(int(count))]))
