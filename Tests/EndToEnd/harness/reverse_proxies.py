"""Programs from Debian that stand before a server or on the way to it and speak HTTP: reverse proxies, and one that opens TLS."""

import os
from pathlib import Path

from .ports import accepts, free_port
from .processes import Process
from .waiting import wait_until

_NGINX = """
daemon off;
master_process off;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream server {{ server 127.0.0.1:{to}; keepalive 4; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location / {{
            proxy_pass http://server;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header Host $host;
            proxy_read_timeout 1h;
        }}
        location /plain {{ proxy_pass http://server; }}
        location /elsewhere {{ return 302 https://login.example/; }}
        location /members {{ return 403; }}
    }}
}}
"""

_HAPROXY = """
global
    maxconn 200
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
frontend https
    bind 127.0.0.1:{port} ssl crt {place}/both.pem alpn h2,http/1.1
    default_backend server
backend server
    option httpchk GET /
    http-check expect status 404
    server one 127.0.0.1:{to} check inter 1s
"""


class ReverseProxy(Process):
    """Speaks https at `port`, and plain HTTP with what is at the port `to`. `/plain` of nginx passes no Upgrade on."""

    def __init__(self, kind: str, place: Path, identity, to: int):
        self.port = free_port()
        place.mkdir(parents=True, exist_ok=True)
        both = place / "both.pem"
        both.touch(mode=0o600)
        both.write_bytes(identity.certificate.read_bytes() + identity.key.read_bytes())
        config = place / f"{kind}.conf"
        template = {"nginx": _NGINX, "haproxy": _HAPROXY}[kind]
        config.write_text(template.format(place=place, port=self.port, to=to, certificate=identity.certificate, key=identity.key))
        command = {"nginx": ["nginx", "-p", place, "-c", config], "haproxy": ["haproxy", "-db", "-f", config]}[kind]
        super().__init__(kind, command, place)
        _ready(self, self.port)


class Inspector(Process):
    """A proxy that opens the TLS of what passes it, reads the HTTP in it, and encrypts anew. It believes servers of the authority `trusting`."""

    def __init__(self, place: Path, trusting: Path):
        self.port = free_port()
        home = place / "mitmproxy"
        home.mkdir(parents=True, exist_ok=True)
        self.ca = home / "mitmproxy-ca-cert.pem"
        options = {
            "confdir": home, "connection_strategy": "lazy", "ssl_verify_upstream_trusted_ca": trusting, "termlog_verbosity": "info",
            "flow_detail": 0,
        }  # fmt: skip
        settings = [part for name, value in options.items() for part in ("--set", f"{name}={value}")]
        command = ["mitmdump", "--listen-host", "127.0.0.1", "--listen-port", self.port, *settings]
        super().__init__("mitmdump", command, place, environment={"HOME": str(home), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]})
        _ready(self, self.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def _ready(process: Process, port: int):
    try:
        wait_until(lambda: not process.alive or accepts(port), 60, f"{process.name} accepts")
        assert process.alive, process.text()
    except BaseException:
        process.kill()
        raise
