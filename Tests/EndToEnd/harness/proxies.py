"""Forward proxies from Debian, as a company would have them between its people and the world."""

import base64
import os
from pathlib import Path

from .ports import accepts, free_port
from .processes import Process
from .waiting import wait_until

USER = "anna"
PASSWORD = "s3cret:with@"

_TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 60
LogFile "{place}/access.log"
LogLevel Connect
PidFile "{place}/tinyproxy.pid"
MaxClients 100
Allow 127.0.0.1
ConnectPort {allowed}
{extra}
"""

_SQUID = """
http_port 127.0.0.1:{port}
pid_filename {place}/squid.pid
cache_log {place}/cache.log
access_log stdio:{place}/access.log
logfile_rotate 0
cache deny all
coredump_dir {place}
shutdown_lifetime 0 seconds
pinger_enable off
acl allowed port {allowed}
acl CONNECT method CONNECT
{extra}
http_access deny CONNECT !allowed
http_access allow localhost
http_access deny all
"""


class ForwardProxy(Process):
    """A proxy that opens tunnels to one port only."""

    def __init__(self, place: Path, name: str, allowed: int, extra: str, template: str, command, port: int | None = None):
        self.port = port or free_port()
        place.mkdir(parents=True, exist_ok=True)
        # Squid gives up root and writes as another user.
        os.chmod(place, 0o777)
        for parent in place.parents:
            if not parent.stat().st_mode & 0o005 and parent.owner() != "root":
                break
            if parent.stat().st_mode & 0o005 != 0o005 and os.geteuid() == 0:
                os.chmod(parent, parent.stat().st_mode | 0o005)
        self.access_log = place / "access.log"
        config = place / f"{name}.conf"
        config.write_text(template.format(port=self.port, place=place, allowed=allowed, extra=extra))
        super().__init__(name, command(config), place)
        try:
            wait_until(lambda: not self.alive or accepts(self.port), 20, f"{name} accepts")
            assert self.alive, self.text()
        except BaseException:
            self.kill()
            raise

    def url(self, credentials: str = "") -> str:
        return f"http://{credentials and credentials + '@'}127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.access_log.read_text(errors="replace") if self.access_log.exists() else ""


def tinyproxy(place: Path, allowed: int, *, password: bool = False, **options) -> ForwardProxy:
    extra = f"BasicAuth {USER} tinysecret" if password else ""
    return ForwardProxy(place, "tinyproxy", allowed, extra, _TINYPROXY, lambda config: ["tinyproxy", "-d", "-c", config], **options)


def squid(place: Path, allowed: int, *, password: bool = False, **options) -> ForwardProxy:
    extra = ""
    if password:
        place.mkdir(parents=True, exist_ok=True)
        helper = place / "helper.sh"
        # What squid asks is percent-encoded where it has to be.
        helper.write_text(f"#!/bin/sh\nwhile read -r line; do\n  case $line in '{USER} {PASSWORD}') echo OK;; *) echo ERR;; esac\ndone\n")
        helper.chmod(0o755)
        extra = (
            f"auth_param basic program {helper}\nauth_param basic children 1\nauth_param basic realm company\n"
            "acl known proxy_auth REQUIRED\nhttp_access deny !known"
        )
    return ForwardProxy(place, "squid", allowed, extra, _SQUID, lambda config: ["squid", "-N", "-f", config], **options)
