# SPDX-License-Identifier: BSD-2-Clause
"""
TLS with clients of others: Python's (OpenSSL), and NUT's own, which on Debian are built with NSS;
certificates of either end that are good, and all the ways in which they are not.
"""

import ssl

import pytest

import pki
from harness import LOOPBACK, ON_LINE, Device, NutClient, run, wait_until, write

pytestmark = pytest.mark.tls


@pytest.fixture(scope="module")
def authority():
    return pki.Identity("authority", authority=True)


@pytest.fixture(scope="module")
def server(authority):
    return pki.Identity("localhost", authority, names=["localhost", LOOPBACK])


@pytest.fixture
def serve(stage, server, authority):
    """Starts a bridge that serves TLS."""
    def start(upsd_conf="", extra="", identity=None, authorities=None, revoked=None):
        bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
        write(bridge.directory / "upsd.pem", (identity or server).pem())
        write(bridge.directory / "clients.pem",
              b"".join(one.certificate_pem() for one in authorities or [authority]))
        if revoked is not None:
            write(bridge.directory / "revoked.pem", revoked)
            extra += "TLS_CRL revoked.pem\n"
        bridge.extra_upsd_conf = "CERTFILE upsd.pem\n" + upsd_conf
        bridge.snmp = "SNMP off\n" + extra
        bridge.write_configuration()
        return bridge.start()
    return start


def trust(tmp_path, authority=None, identity=None, chain=(), **versions):
    """What a client brings along: whom it trusts (None: anybody), and its own certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authority is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=authority.certificate_pem().decode())
    if identity is not None:
        context.load_cert_chain(write(tmp_path / "client.pem", identity.pem(*chain)))
    for name, version in versions.items():
        setattr(context, name, version)
    return context


class TlsClient(NutClient):
    """A client that speaks TLS before anything else."""

    def __init__(self, port, context, name="localhost", session=None):
        super().__init__(port)
        assert self.ask("STARTTLS") == "OK STARTTLS"
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=name, session=session)
        except OSError:
            self.close()
            raise


def speaks(port, context, name="localhost"):
    """Does this client get an answer? With TLS 1.3 it learns of a refusal as late as that."""
    try:
        with TlsClient(port, context, name) as client:
            return client.ask("NETVER") == "1.3"
    except (OSError, EOFError):
        return False


TLS_1_2 = {"maximum_version": ssl.TLSVersion.TLSv1_2}
TLS_1_3 = {"minimum_version": ssl.TLSVersion.TLSv1_3}
BOTH = [TLS_1_2, TLS_1_3]


# The server's certificate ---------------------------------------------------------------------

def test_clients_that_verify_the_server(serve, authority, tmp_path):
    bridge = serve()
    other = pki.Identity("other", authority=True)
    for versions in BOTH:
        assert speaks(bridge.port, trust(tmp_path, **versions))
        assert speaks(bridge.port, trust(tmp_path, authority, **versions))
        assert speaks(bridge.port, trust(tmp_path, authority, **versions), LOOPBACK)
        assert not speaks(bridge.port, trust(tmp_path, authority, **versions), "ups.example.org")
        assert not speaks(bridge.port, trust(tmp_path, other, **versions))


def test_a_chain_is_sent(serve, authority, tmp_path):
    """A client that knows the root alone verifies, whatever the order in the file."""
    upper = pki.Identity("upper", authority, authority=True)
    lower = pki.Identity("lower", upper, authority=True)
    identity = pki.Identity("localhost", lower, names=["localhost"])
    bridge = serve()
    for chain in [(lower, upper), (authority, upper, lower), (upper, lower, authority)]:
        write(bridge.directory / "upsd.pem", identity.pem(*chain))
        skip = len(bridge.program.log())
        bridge.reload()
        bridge.program.wait_log("certificate of CN=upper", after=skip)
        for versions in BOTH:
            assert speaks(bridge.port, trust(tmp_path, authority, **versions))


def test_a_certificate_that_has_expired(serve, authority, tmp_path):
    """Whoever verifies refuses; for the others it still hides what is said."""
    for begins, ends in [(-30, -2), (5, 50)]:
        bridge = serve(identity=pki.Identity("localhost", authority, names=["localhost"],
                                             begins=begins, ends=ends))
        assert not speaks(bridge.port, trust(tmp_path, authority))
        assert speaks(bridge.port, trust(tmp_path))
        bridge.stop()


def test_made_certificates_verify(serve, binary, tmp_path):
    """Those of --make-certificate, signed by themselves or by an authority."""
    alone, authority, signed = (tmp_path / f"{name}.pem" for name in ["alone", "ca", "signed"])
    run(binary, "--make-certificate", alone, "localhost", LOOPBACK)
    run(binary, "--make-authority", authority, "UPS authority")
    run(binary, "--make-certificate", signed, "--sign-with", authority, "localhost")
    bridge = serve()
    for shown, known in [(alone, alone), (signed, authority)]:
        write(bridge.directory / "upsd.pem", shown.read_bytes())
        skip = len(bridge.program.log())
        bridge.reload()
        bridge.program.wait_log("expires in 3650 days|expires in 3649 days", after=skip)
        context = ssl.create_default_context(cafile=str(known))
        assert speaks(bridge.port, context)
        assert not speaks(bridge.port, context, "ups.example.org")
    assert not speaks(bridge.port, ssl.create_default_context(cafile=str(alone)))


# Protocols and ciphers ------------------------------------------------------------------------

def weak(tmp_path, version):
    """A client that would speak anything."""
    context = trust(tmp_path, minimum_version=version, maximum_version=version)
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("words", ["", "DISABLE_WEAK_SSL true\n", "DISABLE_WEAK_SSL false\n"])
def test_versions(serve, tmp_path, words):
    bridge = serve(words)
    assert ("TLS before 1.2 is never spoken" in bridge.program.log()) == ("false" in words)
    versions = ssl.TLSVersion
    assert [speaks(bridge.port, weak(tmp_path, version)) for version in
            [versions.TLSv1, versions.TLSv1_1, versions.TLSv1_2, versions.TLSv1_3]] == \
        [False, False, True, True]


def test_only_tls_1_3(serve, tmp_path):
    bridge = serve(extra="TLS_MIN_PROTOCOL 1.3\n")
    assert [speaks(bridge.port, trust(tmp_path, **versions)) for versions in BOTH] == [False, True]


def test_every_cipher_but_modern_ones_is_refused(serve, authority, tmp_path):
    """All that OpenSSL has for TLS 1.2, one by one, against keys of both kinds."""
    names = [one["name"] for one in weak(tmp_path, ssl.TLSVersion.TLSv1_2).get_ciphers()
             if one["protocol"] != "TLSv1.3" and "PSK" not in one["name"]
             and "SRP" not in one["name"]]
    assert len(names) > 30
    accepted = set()
    for key in [None, pki.rsa_key()]:
        bridge = serve(identity=pki.Identity("localhost", authority, key=key))
        for name in names:
            context = weak(tmp_path, ssl.TLSVersion.TLSv1_2)
            context.set_ciphers(f"{name}:@SECLEVEL=0")
            if speaks(bridge.port, context):
                accepted.add(name)
        bridge.stop()
    assert accepted == {f"ECDHE-{kind}-{cipher}" for kind in ("RSA", "ECDSA") for cipher in
                        ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")}


def cipher_of(port, context):
    with TlsClient(port, context) as client:
        assert client.ask("NETVER") == "1.3"
        return client.socket.cipher()[0]


def test_chosen_ciphers(serve, tmp_path):
    bridge = serve(extra="TLS_CIPHERS TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES256-GCM-SHA384\n")
    assert cipher_of(bridge.port, trust(tmp_path, **TLS_1_2)) == "ECDHE-ECDSA-AES256-GCM-SHA384"
    assert cipher_of(bridge.port, trust(tmp_path, **TLS_1_3)) == "TLS_CHACHA20_POLY1305_SHA256"


def resumed(port, context):
    """Is a second session resumed from the first?"""
    with TlsClient(port, context) as client:
        assert client.ask("NETVER") == "1.3"
        session = client.socket.session
    with TlsClient(port, context, session=session) as client:
        assert client.ask("NETVER") == "1.3"
        return client.socket.session_reused


def test_tickets(serve, authority, tmp_path):
    """They spare who comes again the handshake, but not where certificates must be verified."""
    client = pki.Identity("client", authority)
    bridge = serve()
    for versions in BOTH:
        assert resumed(bridge.port, trust(tmp_path, authority, **versions))
    bridge.stop()
    bridge = serve("CERTREQUEST REQUIRE\nCERTPATH clients.pem\n")
    for versions in BOTH:
        assert not resumed(bridge.port, trust(tmp_path, authority, client, **versions))


# Certificates of clients ----------------------------------------------------------------------

REQUIRE = "CERTREQUEST REQUIRE\nCERTPATH clients.pem\n"
REQUEST = "CERTREQUEST REQUEST\nCERTPATH clients.pem\n"


def test_required_certificates(serve, authority, tmp_path):
    between = pki.Identity("between", authority, authority=True)
    other = pki.Identity("other", authority=True)
    known = pki.Identity("known")
    bridge = serve(REQUIRE, authorities=[authority, known])
    good = [(pki.Identity("client", authority), ()),
            (pki.Identity("below", between), (between,)),
            (known, ())]
    bad = [(None, ()),
           (pki.Identity("client", other), ()),
           (pki.Identity("below", between), ()),
           (pki.Identity("alone"), ()),
           (pki.Identity("old", authority, begins=-9, ends=-1), ()),
           (pki.Identity("early", authority, begins=2), ()),
           (pki.Identity("server", authority, usage=[pki.ExtendedKeyUsageOID.SERVER_AUTH]), ())]
    for versions in BOTH:
        for identity, chain in good:
            assert speaks(bridge.port, trust(tmp_path, authority, identity, chain, **versions))
        for identity, chain in bad:
            assert not speaks(bridge.port, trust(tmp_path, authority, identity, chain, **versions))
    with NutClient(bridge.port) as client:
        assert client.ask("NETVER") == "1.3"


def test_requested_certificates(serve, authority, tmp_path):
    """One there must be, but it need not verify."""
    bridge = serve(REQUEST)
    other = pki.Identity("other", authority=True)
    for versions in BOTH:
        for identity in [pki.Identity("client", authority), pki.Identity("client", other),
                         pki.Identity("alone"), pki.Identity("old", authority, begins=-9, ends=-1)]:
            assert speaks(bridge.port, trust(tmp_path, authority, identity, **versions))
        assert not speaks(bridge.port, trust(tmp_path, authority, **versions))


def test_revoked_certificates(serve, authority, tmp_path):
    client, thief = (pki.Identity(name, authority) for name in ("client", "thief"))
    bridge = serve(REQUIRE, revoked=authority.revoke(thief))
    for versions in BOTH:
        assert speaks(bridge.port, trust(tmp_path, authority, client, **versions))
        assert not speaks(bridge.port, trust(tmp_path, authority, thief, **versions))
    bridge.program.wait_log("certificate revoked")
    skip = len(bridge.program.log())
    write(bridge.directory / "revoked.pem", authority.revoke(client))
    bridge.reload()
    bridge.program.wait_log("expires in", after=skip)
    assert not speaks(bridge.port, trust(tmp_path, authority, client))
    skip = len(bridge.program.log())
    write(bridge.directory / "revoked.pem", authority.revoke(ends=-1))
    bridge.reload()
    bridge.program.wait_log("should have been renewed", after=skip)
    assert not speaks(bridge.port, trust(tmp_path, authority, pki.Identity("new", authority)))


def test_the_whole_chain_is_checked_for_revocation(serve, tmp_path):
    root = pki.Identity("root", authority=True)
    between = pki.Identity("between", root, authority=True)
    client = pki.Identity("client", between)
    context = trust(tmp_path, None, client, (between,))
    bridge = serve(REQUIRE, authorities=[root], revoked=root.revoke() + between.revoke())
    assert speaks(bridge.port, context)
    for data in [root.revoke(), between.revoke(), root.revoke(between) + between.revoke()]:
        skip = len(bridge.program.log())
        write(bridge.directory / "revoked.pem", data)
        bridge.reload()
        bridge.program.wait_log("expires in", after=skip)
        assert not speaks(bridge.port, context)


def test_authorities_in_a_hashed_directory(serve, authority, tmp_path):
    bridge = serve()
    folder = bridge.directory / "clients"
    folder.mkdir()
    write(folder / "authority.pem", authority.certificate_pem())
    run("openssl", "rehash", folder)
    bridge.extra_upsd_conf += "CERTREQUEST REQUIRE\nCERTPATH clients\n"
    bridge.write_configuration()
    skip = len(bridge.program.log())
    bridge.reload()
    bridge.program.wait_log("expires in", after=skip)
    client = pki.Identity("client", authority)
    assert speaks(bridge.port, trust(tmp_path, authority, client))
    assert not speaks(bridge.port, trust(tmp_path, authority))


# Reload ---------------------------------------------------------------------------------------

def offer(port):
    with NutClient(port) as client:
        return client.ask("STARTTLS")


def test_sessions_outlive_the_certificate_they_began_with(serve, authority, tmp_path):
    bridge = serve()
    other = pki.Identity("other", authority=True)
    with TlsClient(bridge.port, trust(tmp_path, authority)) as client:
        assert client.ask("NETVER") == "1.3"
        write(bridge.directory / "upsd.pem",
              pki.Identity("localhost", other, names=["localhost"], organization="New").pem())
        bridge.reload()
        bridge.program.wait_log("certificate of CN=localhost,O=New")
        assert client.ask("NETVER") == "1.3"
        assert speaks(bridge.port, trust(tmp_path, other))
        assert not speaks(bridge.port, trust(tmp_path, authority))
        # Without TLS for new ones too.
        bridge.extra_upsd_conf = ""
        bridge.write_configuration()
        bridge.reload()
        wait_until(lambda: offer(bridge.port) == "ERR FEATURE-NOT-CONFIGURED", "no TLS")
        assert client.ask("NETVER") == "1.3"


# NUT's own clients, with NSS ------------------------------------------------------------------

nut_clients = pytest.mark.peers("certutil", "pk12util", "upsmon", "upsc")
LOGGED_IN = r"User secondary@\S+ logged into UPS \[ups\] \(SSL\)"


@pytest.fixture
def monitor(stage, tmp_path):
    """Starts an upsmon that trusts an authority and has a certificate, as far as given."""
    def start(bridge, settings, authority=None, identity=None, host="localhost"):
        name = f"upsmon{len(stage.actors)}"
        if authority is not None:
            folder = tmp_path / f"{name}_db"
            options = pki.nss_database(folder)
            pki.nss_certificate(folder, options, authority, "My Root CA", "CT,,")
            settings += f'CERTPATH {folder}\n'
            if identity is not None:
                pki.nss_identity(folder, options, identity, "client")
                settings += 'CERTIDENT "client" "dbpass"\n'
        return stage.upsmon(name, f"ups@{host}:{bridge.port} 1 secondary sepw secondary", settings)
    return start


def assert_refused(bridge, upsmon, why=None):
    """upsmon does not go on with this server; why: what it gives the server as a reason."""
    upsmon.program.wait_log("connect failed: SSL is not available")
    if why is not None:
        bridge.program.wait_log(f"TLS handshake with client {LOOPBACK} failed: .*{why}")
    assert "logged into" not in bridge.program.log()


VERIFY = "CERTVERIFY 1\nFORCESSL 1\n"


@nut_clients
def test_upsc_speaks_tls(serve):
    bridge = serve()
    assert run("upsc", f"ups@localhost:{bridge.port}", "ups.status").out == "OL\n"


@nut_clients
def test_upsmon_verifies_the_server(serve, monitor, authority):
    bridge = serve()
    monitor(bridge, VERIFY, authority)
    bridge.program.wait_log(LOGGED_IN)


@nut_clients
def test_upsmon_takes_tls_it_cannot_verify(serve, monitor):
    bridge = serve(identity=pki.Identity("whoever"))
    monitor(bridge, "FORCESSL 1\n")
    bridge.program.wait_log(LOGGED_IN)


@nut_clients
def test_upsmon_refuses_what_does_not_verify(serve, monitor, authority):
    other = pki.Identity("other", authority=True)
    name = "ups.example.org"
    for identity, why in [
            (pki.Identity("localhost", other, names=["localhost"]), "unknown ca"),
            (pki.Identity("localhost", authority, names=["localhost"], begins=-9, ends=-1),
             "certificate expired"),
            (pki.Identity(name, authority, names=[name]), "bad certificate")]:
        bridge = serve(identity=identity)
        upsmon = monitor(bridge, VERIFY, authority)
        assert_refused(bridge, upsmon, why)
        upsmon.stop()
        bridge.stop()


@nut_clients
@pytest.mark.parametrize("name, fits", [("ups.example.org", True), ("other.example.org", False)])
def test_upsmon_with_certhost(serve, monitor, authority, name, fits):
    """The name that the certificate must have, where it is not the host's."""
    bridge = serve(identity=pki.Identity("ups.example.org", authority, names=["ups.example.org"]))
    upsmon = monitor(bridge, f'CERTHOST "localhost" "{name}" 1 1\n', authority)
    if fits:
        bridge.program.wait_log(LOGGED_IN)
    else:
        assert_refused(bridge, upsmon, "bad certificate")


@nut_clients
def test_upsmon_that_insists_on_tls(stage, monitor, authority):
    bridge = stage.bridge([Device("ups", ON_LINE)])
    upsmon = monitor(bridge, VERIFY, authority)
    assert_refused(bridge, upsmon)


@nut_clients
def test_upsmon_with_a_certificate(serve, monitor, authority):
    bridge = serve(REQUIRE)
    monitor(bridge, VERIFY, authority, pki.Identity("client", authority))
    bridge.program.wait_log(LOGGED_IN)


@nut_clients
def test_upsmon_without_the_certificate_required(serve, monitor, authority):
    bridge = serve(REQUIRE)
    stranger = pki.Identity("client", pki.Identity("other", authority=True))
    for identity, why in [(None, "peer did not return a certificate"),
                          (stranger, "certificate does not verify: unable to get local issuer")]:
        upsmon = monitor(bridge, VERIFY, authority, identity)
        bridge.program.wait_log(why)
        upsmon.stop()
    assert "logged into" not in bridge.program.log()


@nut_clients
@pytest.mark.parametrize("word", ["REQUIRE", "REQUEST"])
def test_upsmon_with_a_database_at_both_ends(stage, binary, monitor, authority, server, word):
    """What a site with Debian's upsd has, unchanged."""
    if "--without-nss" in run(binary, "-V").out:
        pytest.skip("upsbridged was built --without-nss")
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    folder = bridge.directory / "cert_db"
    options = pki.nss_database(folder)
    pki.nss_identity(folder, options, server, "My nut server")
    pki.nss_certificate(folder, options, authority, "My Root CA", "TC,,")
    bridge.extra_upsd_conf = f'CERTPATH {folder}\nCERTIDENT "My nut server" dbpass\n' \
        f"CERTREQUEST {word}\n"
    bridge.write_configuration()
    bridge.start()
    monitor(bridge, VERIFY, authority, pki.Identity("client", authority))
    bridge.program.wait_log(LOGGED_IN)


@nut_clients
def test_a_database_says_what_is_revoked(stage, binary, authority, server, tmp_path):
    """As NSS itself: a list there is counts, none that is not there is missed."""
    if "--without-nss" in run(binary, "-V").out:
        pytest.skip("upsbridged was built --without-nss")
    bridge = stage.bridge([Device("ups", ON_LINE)], start=False)
    folder = bridge.directory / "cert_db"
    options = pki.nss_database(folder)
    other = pki.Identity("other", authority=True)
    pki.nss_identity(folder, options, server, "My nut server")
    pki.nss_certificate(folder, options, authority, "My Root CA", "TC,,")
    pki.nss_certificate(folder, options, other, "other", "T,,")
    client, thief = (pki.Identity(name, authority) for name in ("client", "thief"))
    revoked = write(tmp_path / "revoked.pem", authority.revoke(thief))
    run("openssl", "crl", "-in", revoked, "-outform", "DER", "-out", f"{revoked}.der")
    run("crlutil", "-I", "-d", f"sql:{folder}", "-f", f"{folder}.password", "-i", f"{revoked}.der")
    bridge.extra_upsd_conf = f'CERTPATH {folder}\nCERTIDENT "My nut server" dbpass\n' \
        "CERTREQUEST REQUIRE\n"
    bridge.write_configuration()
    bridge.start()
    assert speaks(bridge.port, trust(tmp_path, authority, client))
    assert speaks(bridge.port, trust(tmp_path, authority, pki.Identity("client", other)))
    assert not speaks(bridge.port, trust(tmp_path, authority, thief))
