"""Certificates made without Fluidity, among them those that it must refuse."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = datetime.timedelta(days=1)


class Authority:
    """A private CA in a folder: `ca.pem`, and `NAME.pem` with `NAME-key.pem` for what it issues."""

    def __init__(self, folder: Path, name: str = "end-to-end tests", *, key=None, issuer: "Authority | None" = None, path_length: int = 0):
        """One with an `issuer` is subordinate to it."""
        self.folder = folder
        self.path = folder / "ca.pem"
        folder.mkdir(parents=True, exist_ok=True)
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(self._name, issuer._name if issuer else self._name, self._key, days=365)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        builder = builder.add_extension(_usage(signing_certificates=True), critical=True)
        self.certificate = (issuer or self)._sign(builder)
        _write(self.path, self.certificate.public_bytes(serialization.Encoding.PEM))

    @classmethod
    def at(cls, path: Path) -> "Authority":
        """Somebody else's, that can be trusted and issues nothing here."""
        other = cls.__new__(cls)
        other.folder = path.parent
        other.path = path
        return other

    def _sign(self, builder):
        return builder.sign(self._key, None if isinstance(self._key, ed25519.Ed25519PrivateKey) else hashes.SHA256())

    def issue(
        self, name: str, *, dns: tuple = (), uris: tuple = (), addresses: tuple = (), server: bool = False, days: float = 90, key=None,
        usages: tuple | None = None, since: float = -10,
    ) -> "Identity":  # fmt: skip
        """`days` below zero makes a certificate that has expired, `since` above it one that isn't valid yet."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = _builder(subject, self._name, key, days, since)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signing_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages or [usage]), critical=False)
        names = [*map(x509.DNSName, dns), *map(x509.UniformResourceIdentifier, uris), *(x509.IPAddress(ipaddress.ip_address(each)) for each in addresses)]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = self._sign(builder)
        identity = Identity(self.folder / f"{name}.pem", self.folder / f"{name}-key.pem", self.path)
        _write(identity.certificate, certificate.public_bytes(serialization.Encoding.PEM))
        encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        _write(identity.key, key.private_bytes(*encoding))
        return identity


class Identity:
    """A certificate, its key, and the CA that the peer must be of."""

    def __init__(self, certificate: Path, key: Path, ca: Path):
        self.certificate = certificate
        self.key = key
        self.ca = ca

    def settings(self) -> dict:
        """The keys of an `mtls` stage."""
        return {"certificate": str(self.certificate), "key": str(self.key), "ca": str(self.ca)}

    def trusting(self, ca: Path) -> "Identity":
        return Identity(self.certificate, self.key, ca)


def _builder(subject, issuer, key, days: float, since: float = -10) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + since * _DAY)
        .not_valid_after(now + days * _DAY)
    )


def _usage(signing_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=signing_certificates, crl_sign=signing_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _write(path: Path, data: bytes):
    path.touch(mode=0o600)
    path.write_bytes(data)
