"""Forward proxies from Debian, as a company would have them between its people and the world."""

import hashlib
import os
from pathlib import Path

from .certificates import Identity
from .kerberos import REALM, Realm
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
{listen}
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

    def __init__(
        self, place: Path, name: str, allowed: int, extra: str, template: str, command, port: int | None = None, tls: Identity | None = None,
        environment: dict | None = None,
    ):  # fmt: skip
        self.port = port or free_port()
        self.is_secure = tls is not None
        listen = f"http_port 127.0.0.1:{self.port}"
        if tls:
            listen = f"https_port 127.0.0.1:{self.port} tls-cert={tls.certificate} tls-key={tls.key}"
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
        config.write_text(template.format(port=self.port, place=place, allowed=allowed, extra=extra, listen=listen))
        super().__init__(name, command(config), place, environment)
        try:
            wait_until(lambda: not self.alive or accepts(self.port), 20, f"{name} accepts")
            assert self.alive, self.text()
        except BaseException:
            self.kill()
            raise

    def url(self, credentials: str = "") -> str:
        host = "localhost" if self.is_secure else "127.0.0.1"
        return f"http{'s' if self.is_secure else ''}://{credentials and credentials + '@'}{host}:{self.port}"

    @property
    def log(self) -> str:
        return self.access_log.read_text(errors="replace") if self.access_log.exists() else ""


def tinyproxy(place: Path, allowed: int, *, password: bool = False, **options) -> ForwardProxy:
    extra = f"BasicAuth {USER} tinysecret" if password else ""
    return ForwardProxy(place, "tinyproxy", allowed, extra, _TINYPROXY, lambda config: ["tinyproxy", "-d", "-c", config], **options)


def squid(
    place: Path, allowed: int, *, password: bool = False, digest: bool = False, ntlm: bool = False, wraps_ntlm: bool = False, realm: Realm | None = None, keytab: Path | None = None,
    **options,
) -> ForwardProxy:  # fmt: skip
    """Squid that knows users by the schemes that are named; with a `realm` by Negotiate, whose key is in the `keytab`, with `wraps_ntlm` by
    Negotiate with NTLM inside."""
    place.mkdir(parents=True, exist_ok=True)
    methods = []
    if realm:
        program = f"/usr/lib/squid/negotiate_kerberos_auth -s HTTP/localhost@{REALM} -k {keytab or realm.keytab}"
        methods += [f"auth_param negotiate program {program}", "auth_param negotiate children 2", "auth_param negotiate keep_alive on"]
        options.setdefault("environment", {**realm.client, "KRB5RCACHENAME": "none:"})
    if wraps_ntlm:
        methods += [f"auth_param negotiate program {_verifier(place, 'gss-spnego')}", "auth_param negotiate children 2", "auth_param negotiate keep_alive on"]
    if ntlm:
        methods += [f"auth_param ntlm program {_verifier(place)}", "auth_param ntlm children 2", "auth_param ntlm keep_alive on"]
    if digest:
        users = place / "digest"
        hash = hashlib.md5(f"{USER}:company:{PASSWORD}".encode()).hexdigest()
        users.write_text(f"{USER}:company:{hash}\n")
        methods += [f"auth_param digest program /usr/lib/squid/digest_file_auth -c {users}", "auth_param digest children 1", "auth_param digest realm company"]
    if password:
        helper = place / "helper.sh"
        # What squid asks is percent-encoded where it has to be.
        helper.write_text(f"#!/bin/sh\nwhile read -r line; do\n  case $line in '{USER} {PASSWORD}') echo OK;; *) echo ERR;; esac\ndone\n")
        helper.chmod(0o755)
        methods += [f"auth_param basic program {helper}", "auth_param basic children 1", "auth_param basic realm company"]
    rules = ["acl known proxy_auth REQUIRED", "http_access deny !known"] if methods else []
    return ForwardProxy(place, "squid", allowed, "\n".join(methods + rules), _SQUID, lambda config: ["squid", "-N", "-f", config], **options)


def _verifier(place: Path, protocol: str = "squid-2.5-ntlmssp") -> str:
    """The command of samba's program, which proves the password by itself: no domain and no winbind are needed for one user's."""
    state = place / "samba"
    for folder in (state, state / "locks", state / "private"):
        folder.mkdir(exist_ok=True)
        os.chmod(folder, 0o777)
    config = place / "smb.conf"
    folders = "".join(f" {key} = {state}/locks\n" for key in ("lock directory", "state directory", "cache directory"))
    config.write_text(f"[global]\n workgroup = CORP\n{folders} private dir = {state}/private\n server role = standalone\n")
    return f"/usr/bin/ntlm_auth --configfile={config} --helper-protocol={protocol} --domain=CORP --username={USER} --password={PASSWORD}"
