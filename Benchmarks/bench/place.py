"""Where everything runs: on one machine, or on two that are joined by a slow link."""

import contextlib
import os
import shutil
import struct
import subprocess
import tempfile

from .processes import Failed, Group, free_ports, wait_for_port

SMALL = 1024
MEDIUM = 20 << 20
LARGE = 100 << 20
FILES = {"1k": SMALL, "20k": 20 << 10, "20m": MEDIUM, "100m": LARGE}


@contextlib.contextmanager
def folder():
    """For files of a run, in memory where that can be. They are gone afterwards."""
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    directory = tempfile.mkdtemp(prefix="fluidity-benchmark-", dir=shared)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class Place:
    """Addresses of the near and the far side, certificates, files and the origin."""

    def __init__(self, directory, fluidity, load, near="127.0.0.1", far="127.0.0.1", near_prefix=(), far_prefix=()):
        self.directory = directory
        self.fluidity = fluidity
        self.load = load
        self.near, self.far = near, far
        self.near_prefix, self.far_prefix = tuple(near_prefix), tuple(far_prefix)
        self.certificates = os.path.join(directory, "certificates")
        self.files = os.path.join(directory, "files")
        self.origin_group = Group("origin", directory)
        self.origin = self.origin_tls = self.sink = None
        self.link = None  # Between the two, where there is one.
        self.besides = ()  # Other ways to run Fluidity that are of interest here.
        self.names_prefix = ()  # In front of what looks names up.

    def path(self, name, text=None):
        path = os.path.join(self.directory, name)
        if text is not None:
            with open(path, "w") as file:
                file.write(text)
        return path

    def certificate(self, name):
        return os.path.join(self.certificates, name)

    def prepare(self, files=FILES):
        """Certificates of one private authority, for Fluidity and the chains alike, and the origin's files."""
        if not os.path.isdir(self.certificates):
            issue = [self.fluidity, "cert", "issue"]
            common = ["--ca", self.certificates, "--out", self.certificates]
            for command in (
                [self.fluidity, "cert", "init", "--out", self.certificates],
                [*issue, "server", *common, "--server", "--dns", "localhost"],
                [*issue, "client", *common, "--client"],
            ):
                made = subprocess.run(command, capture_output=True, text=True)
                if made.returncode:
                    raise Failed(f"{' '.join(command)}: {made.stderr}")
            for kind in ("server", "client"):
                with open(self.certificate(f"{kind}-both.pem"), "w") as both:
                    for part in (f"{kind}.pem", f"{kind}-key.pem"):
                        both.write(open(self.certificate(part)).read())
        os.makedirs(self.files, exist_ok=True)
        for name, size in files.items():
            path = os.path.join(self.files, name)
            if not os.path.exists(path):
                with open(path, "wb") as file:
                    for start in range(0, size, 1 << 20):
                        count = min(1 << 20, size - start) // 8
                        file.write(struct.pack(f"<{count}Q", *range(start // 8, start // 8 + count)))
        # Some of the programs that read here change to another user when they are started by root.
        os.chmod(self.directory, 0o755)

    def start_origin(self):
        plain, tls, sink = free_ports(3)
        self.origin, self.origin_tls = f"{self.far}:{plain}", f"{self.far}:{tls}"
        self.sink = f"{self.far}:{sink}"
        user = "user root;" if os.geteuid() == 0 else ""
        config = self.path("nginx.conf", f"""
            {user}
            daemon off; worker_processes auto; worker_rlimit_nofile 20000; pid nginx.pid; error_log nginx-error.log;
            events {{ worker_connections 16000; }}
            http {{
                access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout 1h;
                open_file_cache max=100; types {{ }} default_type application/octet-stream;
                client_body_temp_path nginx-temp; proxy_temp_path nginx-temp; fastcgi_temp_path nginx-temp;
                uwsgi_temp_path nginx-temp; scgi_temp_path nginx-temp;
                server {{
                    listen {self.origin} backlog=4096;
                    listen {self.origin_tls} ssl;
                    ssl_certificate {self.certificate('server.pem')};
                    ssl_certificate_key {self.certificate('server-key.pem')};
                    ssl_protocols TLSv1.3;
                    root {self.files};
                }}
            }}
            """)
        nginx = "/usr/sbin/nginx" if os.path.exists("/usr/sbin/nginx") else "nginx"
        self.origin_group.start(
            [nginx, "-p", self.directory, "-c", config, "-e", "nginx-error.log"], prefix=self.far_prefix)
        self.origin_group.start([self.load, "sink", self.sink], prefix=self.far_prefix)
        for port in (plain, tls, sink):
            wait_for_port(self.far, port, self.origin_group, self.far_prefix)

    def start_names(self):
        """A name server of the far side's own: every name is the origin's. Programs know of it by a resolv.conf that they alone see, for that
        is what each of them reads, and its port is 53, for no other can stand there."""
        if os.geteuid() != 0:
            raise Failed("rows with names take root: for port 53, and for a resolv.conf that nobody else sees")
        server = "127.53.0.1"
        self.origin_group.start([self.load, "names", f"{server}:53", self.far])
        config = self.path("resolv.conf", f"nameserver {server}\n")
        self.names_prefix = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', config)

    @property
    def named_origin(self):
        """The origin by a name, for whoever is behind `names_prefix`."""
        return f"origin.bench.test:{self.origin.rpartition(':')[2]}"
