"""Requests for certificates (PKCS #10, RFC 2986), among them those that nobody ought to grant."""

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

_EXPONENT = 65537
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
_SIGNED_WITH_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")


def wanted(name="laptop", key=None, *extensions) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(name))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def wanted_with_large_key(name="laptop") -> bytes:
    """A key of 16,384 bits, and a good signature with it. It has 32 primes, as a key of two would take minutes to make."""
    pairs = [rsa.generate_private_key(_EXPONENT, 1024).private_numbers() for _ in range(16)]
    primes = [prime for pair in pairs for prime in (pair.p, pair.q)]
    modulus = 1
    for prime in primes:
        modulus *= prime
    public = rsa.RSAPublicNumbers(_EXPONENT, modulus).public_key()
    information = der(
        0x30, der(0x02, b"\0"), _subject(name).public_bytes(), public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        der(0xA0))  # fmt: skip
    length = (modulus.bit_length() + 7) // 8
    digest = _SHA256 + hashlib.sha256(information).digest()
    padded = int.from_bytes(b"\0\1" + b"\xff" * (length - len(digest) - 3) + b"\0" + digest)
    signature = 0
    for prime in primes:
        rest = modulus // prime
        part = pow(padded, pow(_EXPONENT, -1, prime - 1), prime)
        signature += part * rest * pow(rest, -1, prime)
    request = der(0x30, information, _SIGNED_WITH_RSA, der(0x03, b"\0" + (signature % modulus).to_bytes(length)))
    assert x509.load_der_x509_csr(request).is_signature_valid
    return request


def nested(depth: int) -> bytes:
    """A sequence in a sequence in a sequence."""
    value = b""
    for _ in range(depth):
        value = der(0x30, value)
    return value


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def _subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
