"""A realm of Kerberos: MIT's KDC on loopback, its users and services, and what they have of tickets and keys."""

import os
import signal
import subprocess
from pathlib import Path

from .ports import accepts, free_port
from .processes import CLEAN_ENVIRONMENT, Process
from .waiting import wait_until

REALM = "CORP.TEST"
USER = "anna"
PASSWORD = "tick3t"
MACHINE = "robot"

_CLIENT = """
[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 localhost = {realm}
"""

_KDC = """
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {place}/principal
  key_stash_file = {place}/stash
  acl_file = {place}/acl
 }}
"""

PATH = CLEAN_ENVIRONMENT.get("PATH", "") + ":/usr/sbin:/sbin"


class Realm:
    """Has the user `anna` with a password, the user `robot` with a key in `robot.keytab`, and the service HTTP/localhost, whose key is in
    `http.keytab`, which others may read."""

    def __init__(self, place: Path):
        self.place = place
        place.mkdir(parents=True)
        os.chmod(place, 0o755)
        self.port = free_port()
        names = {"realm": REALM, "port": self.port, "place": place}
        (place / "krb5.conf").write_text(_CLIENT.format(**names))
        (place / "kdc.conf").write_text(_KDC.format(**names))
        #: For whoever uses it.
        self.client = {"KRB5_CONFIG": str(place / "krb5.conf"), "KRB5CCNAME": f"FILE:{place}/none"}
        self._environment = {**CLEAN_ENVIRONMENT, "PATH": PATH, **self.client, "KRB5_KDC_PROFILE": str(place / "kdc.conf")}
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
        self.administer(f"addprinc -pw {PASSWORD} +requires_preauth {USER}")
        for name, file in ((MACHINE, "robot.keytab"), ("HTTP/localhost", "http.keytab")):
            self.administer(f"addprinc -randkey +requires_preauth {name}" if name == MACHINE else f"addprinc -randkey {name}")
            self.administer(f"ktadd -k {place / file} {name}")
        os.chmod(self.keytab, 0o644)
        self.start()

    def start(self):
        self.kdc = Process("krb5kdc", ["krb5kdc", "-n"], self.place, {"PATH": PATH, **self._environment})
        wait_until(lambda: not self.kdc.alive or accepts(self.port), 10, "the KDC accepts")
        assert self.kdc.alive, self.kdc.text()

    @property
    def keytab(self) -> Path:
        return self.place / "http.keytab"

    @property
    def machine_keytab(self) -> Path:
        return self.place / "robot.keytab"

    def administer(self, query: str):
        self._run("kadmin.local", "-q", query)

    def tickets(self, name: str, *arguments) -> dict:
        """The environment of somebody with anna's tickets."""
        cache = f"FILE:{self.place / name}"
        self._run("kinit", "-c", cache, *arguments, USER, input=PASSWORD + "\n")
        return {**self.client, "KRB5CCNAME": cache}

    def pause(self):
        """The KDC accepts connections, and says nothing."""
        self.kdc.signal(signal.SIGSTOP)

    def go_on(self):
        self.kdc.signal(signal.SIGCONT)

    def _run(self, *command, input: str = ""):
        done = subprocess.run([str(part) for part in command], env=self._environment, input=input, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    def kill(self):
        self.kdc.kill()
