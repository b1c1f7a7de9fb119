# SPDX-License-Identifier: BSD-2-Clause
"""
Certificates for the tests: authorities, what they sign, and what they revoke, of every kind that
may go wrong.
"""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness import run, write

DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def named(common_name, organization=None):
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Identity:
    """A key and the certificate that goes with it; an authority if it may sign others."""

    def __init__(self, common_name, issuer=None, authority=False, names=(), begins=-1, ends=100,
                 key=None, organization="Acme", usage=None):
        """begins, ends: days from now."""
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = named(common_name, organization)
        self.issuer = issuer or self
        self.revoked = []
        key_usage = dict.fromkeys(["digital_signature", "content_commitment", "key_encipherment",
                                   "data_encipherment", "key_agreement", "key_cert_sign",
                                   "crl_sign", "encipher_only", "decipher_only"], False)
        key_usage.update(key_cert_sign=True, crl_sign=True) if authority else \
            key_usage.update(digital_signature=True, key_encipherment=True)
        builder = x509.CertificateBuilder(
            issuer_name=self.issuer.name, subject_name=self.name, public_key=self.key.public_key(),
            serial_number=x509.random_serial_number(), not_valid_before=now() + begins * DAY,
            not_valid_after=now() + ends * DAY)
        builder = builder.add_extension(x509.BasicConstraints(authority, None), True)
        builder = builder.add_extension(x509.KeyUsage(**key_usage), True)
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage(
                usage or [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([alternative(name) for name in names]), False)
        self.certificate = builder.sign(self.issuer.key, hashes.SHA256())

    def subject(self):
        return self.certificate.subject.rfc4514_string()

    def certificate_pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self, password=None):
        sealed = serialization.NoEncryption() if password is None else \
            serialization.BestAvailableEncryption(password.encode())
        return self.key.private_bytes(serialization.Encoding.PEM,
                                      serialization.PrivateFormat.PKCS8, sealed)

    def pem(self, *chain, password=None):
        """As CERTFILE wants it."""
        return b"".join([self.certificate_pem(), *(one.certificate_pem() for one in chain),
                         self.key_pem(password)])

    def pkcs12(self, *chain, name="upsd", password="p12pass"):
        return pkcs12.serialize_key_and_certificates(
            name.encode(), self.key, self.certificate, [one.certificate for one in chain],
            serialization.BestAvailableEncryption(password.encode()))

    def revoke(self, *identities, ends=30):
        """The list of what this authority has revoked, as PEM."""
        self.revoked += [one.certificate.serial_number for one in identities]
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=self.name, last_update=now() - 90 * DAY, next_update=now() + ends * DAY)
        for number in self.revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder(number, now() - DAY).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def rsa_key(bits=2048):
    return rsa.generate_private_key(65537, bits)


def nss_database(directory, password="dbpass"):
    """A new database of NSS, and the options that certutil and pk12util open it with."""
    directory.mkdir()
    secret = write(directory.parent / f"{directory.name}.password", password + "\n")
    run("certutil", "-N", "-d", f"sql:{directory}", "-f", secret)
    return ["-d", f"sql:{directory}", "-f", secret]


def nss_identity(directory, options, identity, name, chain=()):
    """Puts a certificate and its key into a database."""
    bundle = write(directory.parent / f"{directory.name}.p12",
                   identity.pkcs12(*chain, name=name))
    run("pk12util", "-i", bundle, "-W", "p12pass", "-d", options[1], "-k", options[3])


def nss_certificate(directory, options, identity, name, trust):
    path = write(directory.parent / f"{directory.name}.crt", identity.certificate_pem())
    run("certutil", "-A", *options, "-n", name, "-t", trust, "-i", path)
