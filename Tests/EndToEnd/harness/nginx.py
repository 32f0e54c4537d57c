"""nginx with files of several sizes."""

import hashlib
import random
import subprocess
from pathlib import Path

from .ports import accepts, free_port
from .processes import Process
from .waiting import wait_until

_CONFIGURATION = """
daemon off;
master_process off;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    types {{ text/plain txt; }}
    default_type application/octet-stream;
    sendfile on;
    keepalive_requests 100000;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    gzip on;
    gzip_min_length 1000;
    gzip_types text/plain;
    gzip_proxied any;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {place}/files;
        location = /redirect {{ return 302 /0; }}
        location = /empty {{ return 204; }}
    }}
}}
"""


class Nginx(Process):
    """Serves `/SIZE` for each size in `SIZES`, `/text.txt`, `/redirect` and `/empty`."""

    SIZES = (0, 1, 1000, 65536, 1 << 20, 10_000_000)

    def __init__(self, place: Path):
        self.port = free_port()
        self.files = place / "files"
        self.files.mkdir(parents=True)
        self.hashes: dict[str, str] = {}
        source = random.Random(1)
        for size in self.SIZES:
            self.add(str(size), source.randbytes(size))
        self.add("text.txt", b"The same line over and over compresses well.\n" * 1000)
        config = place / "nginx.conf"
        config.write_text(_CONFIGURATION.format(place=place, port=self.port))
        super().__init__("nginx", ["nginx", "-p", place, "-c", config], place)
        try:
            wait_until(lambda: not self.alive or accepts(self.port), 10, "nginx accepts")
            assert self.alive, self.text()
        except BaseException:
            self.kill()
            raise

    def add(self, name: str, data: bytes):
        (self.files / name).write_bytes(data)
        self.hashes[name] = hashlib.sha256(data).hexdigest()

    def add_huge(self, name: str, size: int):
        """A file that is never in memory as a whole and doesn't repeat: the key stream of AES."""
        path = self.files / name
        with open(path.with_suffix(".zeros"), "wb") as zeros:
            zeros.truncate(size)
        key = ["-K", "00112233445566778899aabbccddeeff", "-iv", "00" * 16]
        subprocess.run(["openssl", "enc", "-aes-128-ctr", *key, "-in", zeros.name, "-out", path], check=True)
        Path(zeros.name).unlink()
        digest = subprocess.run(["openssl", "dgst", "-sha256", "-r", path], check=True, capture_output=True)
        self.hashes[name] = digest.stdout.split()[0].decode()

    def url(self, path) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"
