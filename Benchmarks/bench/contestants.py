"""Fluidity, and the chains of programs that do the same: an HTTP proxy at the near end, TLS 1.3 with certificates on both
sides between, and something that fetches at the far end. Each is set up as its documentation recommends for load: caches and
logs off, enough descriptors and connections, as many workers as there are cores where that helps."""

import os
import re
import subprocess
import time

from .place import SMALL
from .processes import Failed, Group, free_ports, wait_for_port


def program(name):
    for directory in ("/usr/sbin", "/usr/bin", "/usr/local/bin"):
        path = os.path.join(directory, name)
        if os.path.exists(path):
            return path
    return name


class Contestant:
    name = ""
    programs = ()
    closes = False  # after each answer
    patience = 15  # seconds until it listens

    def __init__(self, place):
        self.place = place
        self.group = Group(re.sub(r"\W+", "-", self.name), place.directory)
        self.proxy = None

    @property
    def origin(self):
        """Where the files are to be had."""
        return self.place.origin

    @property
    def sink(self):
        """Where uploads go."""
        return self.place.sink

    def start(self):
        self.entry, self.between, self.last = free_ports(3)
        self.proxy = f"{self.place.near}:{self.entry}"
        self.start_far()
        self.start_near()
        wait_for_port(self.place.near, self.entry, self.group, self.place.near_prefix, self.patience)
        self.check()

    def check(self):
        """Nothing is measured of what doesn't work: small answers, each right to the byte, both ways."""
        for mode in ("get", "connect"):
            run = subprocess.run(
                [*self.place.near_prefix, self.place.load, "transfer", "-m", mode, "-p", "/1k", "-b", str(SMALL), "-n", "20",
                 "-c", "2", self.proxy, self.place.origin], capture_output=True, text=True)
            if run.returncode:
                self.group.check()
                raise Failed(f"{self.name} ({mode}): {run.stdout}{run.stderr}")

    def stop(self):
        self.group.stop()

    def near(self, *arguments):
        self.group.start(arguments, self.place.near_prefix)

    def far(self, *arguments):
        self.group.start(arguments, (*self.place.far_prefix, *self.place.names_prefix))

    def file(self, suffix, text):
        return self.place.path(f"{self.group.name}-{suffix}", text)

    def wait_far(self, port):
        wait_for_port(self.place.far, port, self.group, self.place.far_prefix, self.patience)

    def certificate(self, name):
        return self.place.certificate(name)


class Fluidity(Contestant):
    name = "fluidity"
    log_level = "notice"
    program = None
    more = ()
    loops = None
    agent_extra = server_extra = frame_extra = ""
    resumes = False  # A session outlives its connection.
    watched = False  # Somebody has the live page open, of both ends.

    def start(self):
        self.watchers, self.pages = Group(self.group.name + "-watchers", self.place.directory), []
        super().start()
        deadline = time.monotonic() + self.patience
        while not all(os.path.exists(page) and os.path.getsize(page) for page in self.pages):
            self.watchers.check()
            if time.monotonic() > deadline:
                raise Failed(f"{self.name}: the live page shows nothing")
            time.sleep(0.05)

    def stop(self):
        self.watchers.stop()
        super().stop()

    def head(self, prefix):
        """What stands in front of the pipeline. The page's events are read by a program that isn't counted."""
        head = f"event-loops: {self.loops}\n" if self.loops else ""
        if self.watched:
            (port,) = free_ports(1)
            head += f"admin: {{ listen: \"127.0.0.1:{port}\" }}\n"
            self.pages.append(os.path.join(self.place.directory, f"{self.watchers.name}-{len(self.pages)}.events"))
            self.watchers.start(
                ["curl", "--silent", "--no-buffer", "--retry", "50", "--retry-connrefused", "--retry-delay", "1",
                 "--output", self.pages[-1], f"http://127.0.0.1:{port}/events"], prefix)
        return head

    def start_far(self):
        config = self.file("server.yaml", f"""host: server
{self.head(self.place.far_prefix)}pipeline:
  - accept: {{ listen: "{self.place.far}:{self.between}"{self.server_extra} }}
  - mtls:
      certificate: {self.certificate('server.pem')}
      key: {self.certificate('server-key.pem')}
      ca: {self.certificate('ca.pem')}
  - frame: {{ codec: mux{self.frame_extra} }}
  - fetch: {{ destinations: any }}
""")
        self.far(self.program or self.place.fluidity, "server", "--config", config, "--log-level", self.log_level, *self.more)
        self.wait_far(self.between)

    def start_near(self):
        config = self.file("agent.yaml", f"""host: agent
{self.head(self.place.near_prefix)}pipeline:
  - accept: {{ listen: "{self.place.near}:{self.entry}" }}
  - http: {{ mode: proxy }}
  - frame: {{ codec: mux{self.frame_extra} }}
  - mtls:
      certificate: {self.certificate('client.pem')}
      key: {self.certificate('client-key.pem')}
      ca: {self.certificate('ca.pem')}
      name: localhost
  - connect: {{ to: "{self.place.far}:{self.between}"{self.agent_extra} }}
""")
        self.near(self.program or self.place.fluidity, "agent", "--config", config, "--log-level", self.log_level, *self.more)


def build(name, program, more=(), watched=False):
    """Another build of Fluidity, or other arguments for it, as a contestant."""
    return type(name, (Fluidity,), {"name": name, "program": program, "more": tuple(more), "watched": watched})


# ---- far ends that fetch


def squid(contestant, port):
    directory = contestant.place.directory
    config = contestant.file("squid.conf", f"""http_port {contestant.place.far}:{port}
http_access allow all
cache deny all
cache_mem 0 MB
memory_pools on
access_log none
cache_store_log none
cache_log /dev/null
pid_filename none
coredump_dir {directory}
max_filedescriptors 16384
pinger_enable off
via off
forwarded_for delete
read_ahead_gap 64 KB
server_persistent_connections on
client_persistent_connections on
shutdown_lifetime 0 seconds
""")
    contestant.far(program("squid"), "-N", "-f", config)
    contestant.wait_far(port)


def tinyproxy(contestant, port):
    config = contestant.file("tinyproxy.conf", f"""Port {port}
Listen {contestant.place.far}
Timeout 3600
MaxClients 8000
LogLevel Critical
LogFile "{contestant.place.directory}/tinyproxy.log"
DisableViaHeader Yes
""")
    contestant.far(program("tinyproxy"), "-d", "-c", config)
    contestant.wait_far(port)


# ---- pairs that carry it through TLS


class HAProxyPair(Contestant):
    """Mode tcp: a connection of TLS for each of the client's. Threads: one for each core, which is the default."""

    common = """global
  maxconn 9000
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
defaults
  mode tcp
  timeout connect 10s
  timeout client 1h
  timeout server 1h
"""

    def start_near(self):
        config = self.file("near.cfg", f"""{self.common}
listen entry
  bind {self.place.near}:{self.entry} backlog 4096
  server far {self.place.far}:{self.between} ssl verify required ca-file {self.certificate('ca.pem')} \
crt {self.certificate('client-both.pem')} sni str(localhost) verifyhost localhost
""")
        self.near(program("haproxy"), "-db", "-f", config)

    def far_haproxy(self):
        config = self.file("far.cfg", f"""{self.common}
listen tunnel
  bind {self.place.far}:{self.between} backlog 4096 ssl crt {self.certificate('server-both.pem')} \
ca-file {self.certificate('ca.pem')} verify required
  server proxy {self.place.far}:{self.last}
""")
        self.far(program("haproxy"), "-db", "-f", config)
        self.wait_far(self.between)


class HAProxySquid(HAProxyPair):
    name = "haproxy → squid"
    programs = ("haproxy", "squid")

    def start_far(self):
        squid(self, self.last)
        self.far_haproxy()


class HAProxyApache(HAProxyPair):
    """The far end is Apache alone: mod_ssl ends TLS, mod_proxy and mod_proxy_connect fetch."""

    name = "haproxy → apache"
    programs = ("haproxy", "apache2")

    def start_far(self):
        modules = "/usr/lib/apache2/modules"
        names = ("mpm_event", "authz_core", "proxy", "proxy_http", "proxy_connect", "ssl", "socache_shmcb")
        user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        config = self.file("apache.conf", "".join(
            f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in names) + f"""{user}
ServerRoot {self.place.directory}
ServerName localhost
PidFile {self.place.directory}/apache.pid
DefaultRuntimeDir {self.place.directory}
ErrorLog {self.place.directory}/apache-error.log
LogLevel crit
Listen {self.place.far}:{self.between} https
ListenBacklog 4096
ThreadLimit 256
ThreadsPerChild 256
ServerLimit 16
StartServers 2
MaxRequestWorkers 4096
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 300
Timeout 3600
SSLSessionCache shmcb:{self.place.directory}/apache-sessions(5120000)
SSLEngine on
SSLProtocol TLSv1.3
SSLCertificateFile {self.certificate('server.pem')}
SSLCertificateKeyFile {self.certificate('server-key.pem')}
SSLCACertificateFile {self.certificate('ca.pem')}
SSLVerifyClient require
ProxyRequests On
ProxyVia Off
ProxyIOBufferSize 65536
AllowCONNECT 1-65535
<Proxy "*">
Require all granted
</Proxy>
""")
        self.far(program("apache2"), "-DFOREGROUND", "-f", config)
        self.wait_far(self.between)


class StunnelPair(Contestant):
    common = """foreground = yes
debug = err
pid =
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
socket = a:SO_REUSEADDR=1
sslVersionMin = TLSv1.3
"""

    def start_near(self):
        config = self.file("near.conf", f"""{self.common}
[entry]
client = yes
accept = {self.place.near}:{self.entry}
connect = {self.place.far}:{self.between}
cert = {self.certificate('client.pem')}
key = {self.certificate('client-key.pem')}
CAfile = {self.certificate('ca.pem')}
verifyChain = yes
checkHost = localhost
sni = localhost
""")
        self.near(program("stunnel4"), config)

    def far_stunnel(self):
        config = self.file("far.conf", f"""{self.common}
[tunnel]
accept = {self.place.far}:{self.between}
connect = {self.place.far}:{self.last}
cert = {self.certificate('server.pem')}
key = {self.certificate('server-key.pem')}
CAfile = {self.certificate('ca.pem')}
verifyChain = yes
requireCert = yes
""")
        self.far(program("stunnel4"), config)
        self.wait_far(self.between)


class StunnelSquid(StunnelPair):
    name = "stunnel → squid"
    programs = ("stunnel4", "squid")

    def start_far(self):
        squid(self, self.last)
        self.far_stunnel()


class StunnelTinyproxy(StunnelPair):
    name = "stunnel → tinyproxy"
    closes = True
    programs = ("stunnel4", "tinyproxy")

    def start_far(self):
        tinyproxy(self, self.last)
        self.far_stunnel()


class NghttpxSquid(Contestant):
    """HTTP/2 between the two: requests and tunnels are streams of few connections. Windows of 4 and 16 MiB, as far ends want."""

    name = "nghttpx → squid"
    programs = ("nghttpx", "squid")
    common = (
        "--no-ocsp", "--accesslog-file=/dev/null", "--errorlog-file=/dev/null", "--http2-proxy", "--no-via", "--no-server-rewrite",
        "--workers=2", "--worker-frontend-connections=0", "--backlog=4096", "--rlimit-nofile=16384",
        "--frontend-http2-window-size=4M", "--frontend-http2-connection-window-size=16M",
        "--backend-http2-window-size=4M", "--backend-http2-connection-window-size=16M",
        "--frontend-http2-max-concurrent-streams=4096", "--backend-http2-max-concurrent-streams=4096",
        "--frontend-read-timeout=1h", "--frontend-keep-alive-timeout=1h", "--backend-read-timeout=1h",
        "--backend-keep-alive-timeout=1h", "--stream-read-timeout=1h", "--frontend-http2-read-timeout=1h",
        "--backend-connections-per-host=4096", "--tls-min-proto-version=TLSv1.3", "--tls-max-proto-version=TLSv1.3",
        "--conf=/dev/null",
    )

    def start_far(self):
        squid(self, self.last)
        self.far(
            program("nghttpx"), *self.common, f"--frontend={self.place.far},{self.between}",
            f"--backend={self.place.far},{self.last}", "--verify-client",
            f"--verify-client-cacert={self.certificate('ca.pem')}", self.certificate("server-key.pem"),
            self.certificate("server.pem"))
        self.wait_far(self.between)

    def start_near(self):
        self.near(
            program("nghttpx"), *self.common, f"--frontend={self.place.near},{self.entry};no-tls",
            f"--backend={self.place.far},{self.between};;tls;proto=h2;sni=localhost",
            f"--cacert={self.certificate('ca.pem')}", f"--client-cert-file={self.certificate('client.pem')}",
            f"--client-private-key-file={self.certificate('client-key.pem')}")


# ---- for orientation


class Direct(Contestant):
    """The origin without anything between: what it and the client can do."""

    name = "nginx, direct"

    def __init__(self, place):
        super().__init__(place)
        self.group = place.origin_group

    def start(self):
        pass

    def stop(self):
        pass


class BareHop(HAProxyPair):
    """TLS between two HAProxys and nothing else: no proxy, no request is looked at. What the way through TLS alone costs."""

    name = "TLS alone (haproxy)"
    programs = ("haproxy",)
    origin = sink = None

    def start(self):
        entries, between = free_ports(2), free_ports(2)
        for self.entry, self.between, target in zip(entries, between, (self.place.origin, self.place.sink)):
            self.last = target.rpartition(":")[2]
            self.far_haproxy()
            self.start_near()
            wait_for_port(self.place.near, self.entry, self.group, self.place.near_prefix)
        self.origin, self.sink = (f"{self.place.near}:{entry}" for entry in entries)


CHAINS = (HAProxySquid, StunnelSquid, NghttpxSquid, StunnelTinyproxy, HAProxyApache)


class FluidityAsTheSystem(Fluidity):
    """Both ends send as everybody else does, far away as well."""

    name = "fluidity, cubic"
    agent_extra = server_extra = ", congestion-control: cubic"


class FluidityResuming(Fluidity):
    """What was under way goes on when the connection is lost."""

    name = "fluidity, resuming"
    frame_extra = ", resume: { enabled: true }"
    resumes = True


# Beside Fluidity as it is by default, over a distant link that loses packets, by what everybody sends with there.
DISTANT = {"cubic": (FluidityAsTheSystem,), "bbr": (FluidityResuming,)}
