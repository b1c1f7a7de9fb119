# SPDX-License-Identifier: BSD-2-Clause
"""
Certificates and keys as files: what is right, and the exact complaint about everything that is not.
What clients make of them is in test_tls_clients.py.
"""

import os
import re
import shlex
import subprocess

import pytest

import pki
from harness import ON_LINE, Device, NutClient, run, write

pytestmark = pytest.mark.tls


@pytest.fixture(scope="module")
def authority():
    return pki.Identity("authority", authority=True)


@pytest.fixture(scope="module")
def server(authority):
    return pki.Identity("ups.example.org", authority, names=["ups.example.org", "192.0.2.7"])


@pytest.fixture
def bridge(stage):
    return stage.bridge([Device("ups", ON_LINE)], start=False)


def configure(bridge, upsd_conf, extra=""):
    bridge.extra_upsd_conf = upsd_conf
    bridge.snmp = "SNMP off\n" + extra
    bridge.write_configuration()


def complaints(bridge, upsd_conf, extra=""):
    """What -t says, the folder left out: (exit status, list of lines)."""
    configure(bridge, upsd_conf, extra)
    done = bridge.check()
    text = done.err.replace(f"{bridge.directory}/", "")
    return done.returncode, [line for line in text.splitlines() if "error" in line[:6]
                             or "warning" in line[:8]]


def check_file(bridge, data, upsd_conf="CERTFILE upsd.pem\n", mode=0o640):
    write(bridge.directory / "upsd.pem", data, mode)
    return complaints(bridge, upsd_conf)


# The server's certificate and key -------------------------------------------------------------

def test_good_files(bridge, server, authority):
    between = pki.Identity("between", authority, authority=True)
    below = pki.Identity("below", between)
    rsa = pki.Identity("rsa", authority, key=pki.rsa_key())
    for data in [server.pem(), server.pem(authority), rsa.pem(), below.pem(between, authority),
                 # In any order.
                 server.key_pem() + server.certificate_pem(),
                 below.pem(authority, between),
                 authority.certificate_pem() + server.pem(),
                 b"# a comment\n" + server.pem() + b"and more\n"]:
        assert check_file(bridge, data) == (0, [])


def test_the_key_of_openssl_ecparam(bridge, tmp_path):
    """It puts the curve before the key."""
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-out", tmp_path / "key")
    run("openssl", "req", "-x509", "-new", "-key", tmp_path / "key", "-subj", "/CN=x", "-out",
        tmp_path / "crt")
    data = (tmp_path / "crt").read_bytes() + (tmp_path / "key").read_bytes()
    assert "EC PARAMETERS" in data.decode()
    assert check_file(bridge, data) == (0, [])


def test_the_file_of_nuts_manual(bridge, tmp_path):
    """Word by word, but for the questions it asks and how long the key is."""
    run("sh", "-c", f"cd {tmp_path} && openssl req -new -x509 -nodes -out upsd.crt -keyout upsd.key"
        " -subj /CN=upsd && cat upsd.crt upsd.key > upsd.pem")
    status, lines = check_file(bridge, (tmp_path / "upsd.pem").read_bytes())
    assert (status, lines) == (0, [])


FILE = "upsd.conf:3: CERTFILE: "


def bad_files(server, authority):
    other = pki.Identity("other")
    damaged = server.certificate_pem().replace(b"MII", b"MIJ", 1)
    return {
        "empty": (b"", "error: FILE is neither PEM nor PKCS#12"),
        "noise": (os.urandom(3000).replace(b"-", b"x"),
                  "error: FILE is neither PEM nor PKCS#12"),
        "no key": (server.certificate_pem(),
                   "error: FILE holds no private key: it must hold the certificate and its key"),
        "no certificate": (server.key_pem(), "error: FILE holds no certificate"),
        "key of another": (server.certificate_pem() + other.key_pem(),
                           "error: FILE: the private key is not that of the certificate of "
                           "CN=ups.example.org,O=Acme"),
        "encrypted": (server.pem(password="secret"),
                      'error: FILE: the private key is encrypted: CERTIDENT "" "PASSWORD" must '
                      "give its password"),
        "damaged key": (server.certificate_pem() + server.key_pem().replace(b"MIG", b"MIX"),
                        r"error: FILE: the private key is damaged: .+"),
        "damaged certificate": (damaged + server.key_pem(),
                                r"error: FILE: certificate 1 is damaged: .+"),
        "damaged second": (server.pem() + damaged, r"error: FILE: certificate 2 is damaged: .+"),
        "cut short": (server.pem()[:300], None),
        "too short a key": (pki.Identity("x", key=pki.rsa_key(1024)).pem(),
                            "error: FILE: OpenSSL does not take it: ee key too small"),
        "too many": (server.pem(*[authority] * 70), "error: FILE holds more than 64 certificates"),
    }


def test_bad_files(bridge, server, authority):
    for name, (data, wanted) in bad_files(server, authority).items():
        status, lines = check_file(bridge, data)
        assert status == 1, name
        if wanted is None:
            assert lines, name
            continue
        level, text = wanted.split(": ", 1)
        pattern = text if ".+" in text else re.escape(text)
        pattern = f"{level}: {FILE}{pattern.replace('FILE', 'upsd.pem')}"
        assert re.fullmatch(pattern, "\n".join(lines)), (name, lines)


def test_files_that_cannot_be_read(bridge):
    assert complaints(bridge, "CERTFILE none.pem\n") == \
        (1, [f"error: {FILE}cannot read none.pem: No such file or directory"])
    (bridge.directory / "folder").mkdir()
    assert complaints(bridge, "CERTFILE folder\n") == \
        (1, [f"error: {FILE}cannot read folder: Is a directory"])
    os.mkfifo(bridge.directory / "pipe")
    assert complaints(bridge, "CERTFILE pipe\n") == \
        (1, [f"error: {FILE}cannot read pipe: Invalid argument"])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who can become somebody else")
def test_a_file_that_only_root_may_read(bridge, server, tmp_path):
    """Files are read with the rights of the user who serves."""
    for folder in [tmp_path, *tmp_path.parents][:3]:
        folder.chmod(0o755)
    write(bridge.directory / "upsd.pem", server.pem(), 0o600)
    configure(bridge, "CERTFILE upsd.pem\n")
    bridge.directory.chmod(0o755)
    bridge.program.command += ["-u", "nobody"]
    bridge.program.start()
    assert bridge.program.wait() == 1
    uid = int(run("id", "-u", "nobody").out)
    assert f"upsd.conf:3: CERTFILE: cannot read {bridge.directory}/upsd.pem as user {uid}: " \
        "Permission denied" in bridge.program.log()
    bridge.program.process = None


def test_keys_that_others_may_read_or_write(bridge, server):
    advice = "everybody may {} it: chmod 640 and a group of the daemon's alone"
    for mode, what in [(0o644, "read"), (0o642, "write"), (0o646, "write")]:
        assert check_file(bridge, server.pem(), mode=mode) == \
            (0, [f"warning: {FILE}upsd.pem holds a private key, but {advice.format(what)}"])
        assert complaints(bridge, "CERTFILE upsd.pem\n", "STRICT_PERMISSIONS yes\n") == \
            (1, [f"error: {FILE}upsd.pem holds a private key, but {advice.format(what)}"])


def test_a_certificate_for_clients_alone(bridge, authority):
    only = pki.Identity("x", authority, usage=[pki.ExtendedKeyUsageOID.CLIENT_AUTH])
    assert check_file(bridge, only.pem()) == \
        (0, [f"warning: {FILE}upsd.pem: the certificate of CN=x,O=Acme is not made for TLS servers"])


# CERTIDENT ------------------------------------------------------------------------------------

def test_encrypted_keys(bridge, server):
    data = server.pem(password="secret word")
    conf = 'CERTFILE upsd.pem\nCERTIDENT "" "{}"\n'
    assert check_file(bridge, data, conf.format("secret word")) == (0, [])
    for wrong in ["other", "", "x" * 1000]:
        assert check_file(bridge, data, conf.format(wrong)) == \
            (1, [f"error: {FILE}upsd.pem: the password of CERTIDENT does not open the private key"])


def test_pkcs12(bridge, server, authority):
    conf = 'CERTFILE upsd.pem\nCERTIDENT "{}" "{}"\n'
    data = server.pkcs12(authority, name="My nut server", password="p12 pass")
    for name in ["", "My nut server", "ups.example.org", "192.0.2.7", "CN=ups.example.org,O=Acme"]:
        assert check_file(bridge, data, conf.format(name, "p12 pass")) == (0, [])
    wrong = f"error: {FILE}upsd.pem: the password of CERTIDENT does not open it"
    assert check_file(bridge, data, conf.format("", "wrong")) == (1, [wrong])
    assert check_file(bridge, data) == (1, [wrong])
    assert check_file(bridge, data[:-20], conf.format("", "p12 pass"))[0] == 1


def openssl_pkcs12(folder, identity, *options):
    pem = write(folder / "in.pem", identity.pem())
    run("openssl", "pkcs12", "-export", "-in", pem, "-out", folder / "out.p12", *options)
    return (folder / "out.p12").read_bytes()


def test_pkcs12_without_password(bridge, server, tmp_path):
    data = openssl_pkcs12(tmp_path, server, "-passout", "pass:")
    assert check_file(bridge, data) == (0, [])
    assert check_file(bridge, data, 'CERTFILE upsd.pem\nCERTIDENT "" ""\n') == (0, [])


def test_pkcs12_of_old(bridge, server, tmp_path):
    data = openssl_pkcs12(tmp_path, server, "-passout", "pass:x", "-legacy")
    assert check_file(bridge, data, 'CERTFILE upsd.pem\nCERTIDENT "" x\n') == \
        (1, [f"error: {FILE}upsd.pem is encrypted by an outdated method: convert it with openssl "
             "pkcs12 -legacy"])


def test_names_of_certident(bridge, server):
    conf = 'CERTFILE upsd.pem\nCERTIDENT "{}" ""\n'
    for name in ["ups.example.org", "UPS.example.org", "192.0.2.7", "/O=Acme/CN=ups.example.org",
                 "CN=ups.example.org,O=Acme"]:
        assert check_file(bridge, server.pem(), conf.format(name)) == (0, [])
    for name in ["ups", "example.org", "192.0.2.8", "Acme"]:
        assert check_file(bridge, server.pem(), conf.format(name)) == \
            (1, ["error: upsd.conf:4: CERTIDENT: upsd.pem: the certificate of "
                 f"CN=ups.example.org,O=Acme has no name '{name}'"])


# CERTREQUEST, CERTPATH, TLS_CRL ---------------------------------------------------------------

def with_server(bridge, server):
    write(bridge.directory / "upsd.pem", server.pem())
    return "CERTFILE upsd.pem\n"


def test_authorities_in_a_file(bridge, server, authority):
    conf = with_server(bridge, server) + "CERTREQUEST REQUIRE\nCERTPATH clients.pem\n"
    path = bridge.directory / "clients.pem"
    other = pki.Identity("other", authority=True)
    for data in [authority.certificate_pem(),
                 authority.certificate_pem() + other.certificate_pem(),
                 authority.certificate_pem() * 300]:
        write(path, data)
        assert complaints(bridge, conf) == (0, [])
    for data in [b"", authority.key_pem()]:
        write(path, data)
        assert complaints(bridge, conf) == \
            (1, ["error: upsd.conf:5: CERTPATH: clients.pem holds no certificate"])


def test_authorities_in_a_directory(bridge, server, authority):
    conf = with_server(bridge, server) + "CERTREQUEST 2\nCERTPATH clients\n"
    folder = bridge.directory / "clients"
    folder.mkdir()
    wrong = "error: upsd.conf:5: CERTPATH: clients holds no hashed certificates (0123abcd.0): " \
            "openssl rehash clients"
    write(folder / "authority.pem", authority.certificate_pem())
    assert complaints(bridge, conf) == (1, [wrong])
    run("openssl", "rehash", folder)
    assert complaints(bridge, conf) == (0, [])
    assert complaints(bridge, conf, "TLS_CRL clients\n") == \
        (1, ["error: upsbridge.conf:2: TLS_CRL: clients holds no hashed lists (0123abcd.r0): "
             "openssl rehash clients"])
    write(folder / "revoked.pem", authority.revoke())
    run("openssl", "rehash", folder)
    assert complaints(bridge, conf, "TLS_CRL clients\n") == (0, [])


def test_requests_without_authorities(bridge, server):
    conf = with_server(bridge, server)
    assert complaints(bridge, conf + "CERTREQUEST NO\n") == (0, [])
    assert complaints(bridge, conf + "CERTREQUEST REQUIRE\n") == \
        (1, ["error: upsd.conf:4: CERTREQUEST: CERTPATH must say whose certificates clients have"])
    assert complaints(bridge, conf + "CERTREQUEST REQUEST\n") == \
        (0, ["warning: upsd.conf:4: CERTREQUEST: without CERTPATH no certificate of a client can "
             "be verified"])


def test_lists_of_the_revoked(bridge, server, authority):
    conf = with_server(bridge, server) + "CERTREQUEST REQUIRE\nCERTPATH clients.pem\n"
    write(bridge.directory / "clients.pem", authority.certificate_pem())
    path = write(bridge.directory / "revoked", authority.revoke())
    assert complaints(bridge, conf, "TLS_CRL revoked\n") == (0, [])
    run("openssl", "crl", "-in", path, "-outform", "DER", "-out", f"{path}.der")
    assert complaints(bridge, conf, "TLS_CRL revoked.der\n") == (0, [])
    write(path, authority.certificate_pem())
    assert complaints(bridge, conf, "TLS_CRL revoked\n") == \
        (1, ["error: upsbridge.conf:2: TLS_CRL: revoked holds no list of revoked certificates"])
    write(path, authority.revoke(ends=-2))
    status, lines = complaints(bridge, conf, "TLS_CRL revoked\n")
    assert status == 0 and len(lines) == 1
    assert re.fullmatch(r"warning: upsbridge\.conf:2: TLS_CRL: revoked: the list of "
                        r"/O=Acme/CN=authority should have been renewed by [-0-9T:]+Z: clients with "
                        r"its certificates are refused", lines[0])


def test_half_a_configuration(bridge, server):
    """No word on TLS may be left hanging: what was meant to be encrypted is not served in clear."""
    for conf, directive in [("CERTPATH .\n", "CERTPATH"), ('CERTIDENT a b\n', "CERTIDENT"),
                            ("CERTREQUEST REQUIRE\n", "CERTREQUEST")]:
        status, lines = complaints(bridge, conf)
        assert status == 1
        assert f"error: upsd.conf:3: {directive}: CERTFILE must name the server's certificate " \
            "and key" in lines
        bridge.program.start()
        assert bridge.program.wait() == 1
        bridge.program.process = None
    assert complaints(bridge, "", "TLS_MIN_PROTOCOL 1.3\nTLS_CRL x\nTLS_CIPHERS y\n") == \
        (0, [f"warning: upsbridge.conf:{line}: {word}: has no effect without CERTFILE in upsd.conf"
             for line, word in [(2, "TLS_MIN_PROTOCOL"), (4, "TLS_CIPHERS"), (3, "TLS_CRL")]])
    conf = with_server(bridge, server)
    write(bridge.directory / "revoked", pki.Identity("a", authority=True).revoke())
    assert complaints(bridge, conf, "TLS_CRL revoked\n") == \
        (0, ["warning: upsbridge.conf:2: TLS_CRL: has no effect without CERTREQUEST"])


def test_ciphers(bridge, server):
    conf = with_server(bridge, server)
    for good in ["ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_AES_256_GCM_SHA384", "HIGH:!aNULL",
                 "TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256", "ECDHE+AESGCM"]:
        assert complaints(bridge, conf, f"TLS_CIPHERS {good}\n") == (0, [])
    for bad, why in [("NO-SUCH", "OpenSSL knows no cipher 'NO-SUCH'"),
                     ("HIGH:NO-SUCH", "OpenSSL knows no cipher 'NO-SUCH'"),
                     ("TLS_NO", "OpenSSL knows no cipher 'TLS_NO'"),
                     ('"HIGH@SECLEVEL=0"', "'HIGH@SECLEVEL=0': the order and the level of security "
                                         "are fixed"),
                     ("HIGH:!HIGH", "nothing is left of the list: no cipher match")]:
        assert complaints(bridge, conf, f"TLS_CIPHERS {bad}\n") == \
            (1, [f"error: upsbridge.conf:2: TLS_CIPHERS: {why}"])
    for bad in ["NULL-SHA256", "ADH-AES128-SHA256"]:
        status, lines = complaints(bridge, conf, f"TLS_CIPHERS {bad}\n")
        assert (status, lines) == (1, [f"error: upsbridge.conf:2: TLS_CIPHERS: {bad} protects "
                                       "nothing"])


# How long they last ---------------------------------------------------------------------------

def variable(client, name):
    answer = client.ask(f"GET VAR ups server.certificate.{name}")
    return re.sub(r'^VAR ups [\w.]+ "(.*)"$', r"\1", answer)


def test_expiry_is_told(bridge, authority):
    """In the log, and as variables; what has expired is served, for it still hides passwords."""
    for begins, ends, days, log in [
            (-1, 100.5, "100", r"expires in 100 days, on \S+Z"),
            (-1, 20.5, "20", r"expires in 20 days, on \S+Z"),
            (-1, 1.1, "1", r"expires in 1 day, on \S+Z"),
            (-30, -1.1, "-2", r"expired on \S+Z: clients that verify it refuse it"),
            (10, 100.5, "100", r"is not valid before \S+Z: clients that verify it refuse it")]:
        identity = pki.Identity("x", authority, begins=begins, ends=ends)
        write(bridge.directory / "upsd.pem", identity.pem())
        configure(bridge, "CERTFILE upsd.pem\n")
        bridge.start()
        bridge.program.wait_log(f"upsd.pem: the certificate of CN=x,O=Acme {log}")
        with NutClient(bridge.port) as client:
            assert variable(client, "days") == days
            assert variable(client, "subject") == "CN=x,O=Acme"
            assert variable(client, "notafter") == \
                f"{identity.certificate.not_valid_after.isoformat()}Z"
            assert variable(client, "notbefore") == \
                f"{identity.certificate.not_valid_before.isoformat()}Z"
            assert variable(client, "colour") == "ERR VAR-NOT-SUPPORTED"
            assert "certificate" not in str(client.ask("LIST VAR ups"))
        bridge.stop()


@pytest.mark.parametrize("common_name, organization", [
    ("ups.example.org", None), ("a, b", "C+D; \"E\" <F>"), (" blanks ", "#1"),
    ("Müller", "Söhne & Töchter \\ Co.")])
def test_subjects_are_written_as_openssl_does(bridge, authority, common_name, organization):
    """The form of RFC 2253, in which users are mapped, too."""
    identity = pki.Identity(common_name, authority, organization=organization)
    path = write(bridge.directory / "upsd.pem", identity.pem())
    configure(bridge, "CERTFILE upsd.pem\n")
    bridge.start()
    wanted = run("openssl", "x509", "-in", path, "-noout", "-subject", "-nameopt", "RFC2253").out
    with NutClient(bridge.port) as client:
        assert f"subject={client.value('ups', 'server.certificate.subject')}\n" == wanted


def test_no_variables_without_certificate(bridge):
    bridge.start()
    with NutClient(bridge.port) as client:
        for name in ["days", "subject", "notafter", "notbefore"]:
            assert variable(client, name) == "ERR VAR-NOT-SUPPORTED"


# Reload ---------------------------------------------------------------------------------------

def test_reload(bridge, authority):
    """A right certificate takes the place of the old one, a wrong one leaves it there."""
    old = pki.Identity("old", authority)
    new = pki.Identity("new", authority, ends=10.5)
    write(bridge.directory / "upsd.pem", old.pem())
    configure(bridge, "CERTFILE upsd.pem\n")
    bridge.start()
    with NutClient(bridge.port) as client:
        assert variable(client, "subject") == "CN=old,O=Acme"
        write(bridge.directory / "upsd.pem", old.certificate_pem() + new.key_pem())
        bridge.reload()
        bridge.program.wait_log("the private key is not that of the certificate of CN=old,O=Acme")
        bridge.program.wait_log("the old one stays in force")
        assert variable(client, "subject") == "CN=old,O=Acme"
        write(bridge.directory / "upsd.pem", new.pem())
        bridge.reload()
        bridge.program.wait_log("the certificate of CN=new,O=Acme expires in 10 days")
        assert variable(client, "subject") == "CN=new,O=Acme"


# --make-certificate ---------------------------------------------------------------------------

def make(binary, *words):
    return run(binary, *words, check=False)


def test_made_certificates_are_right(binary, bridge, tmp_path):
    path = tmp_path / "upsd.pem"
    done = make(binary, "--make-certificate", path, "ups.example.org", "192.0.2.7", "2001:db8::7",
                "*.example.net")
    assert done.returncode == 0 and done.err == ""
    assert re.fullmatch(rf"{path}: certificate and private key of ups\.example\.org 192\.0\.2\.7 "
                        r"2001:db8::7 \*\.example\.net, valid until \S+Z\n", done.out)
    assert path.stat().st_mode & 0o777 == 0o600
    assert check_file(bridge, path.read_bytes()) == (0, [])
    text = run("openssl", "x509", "-in", path, "-noout", "-text").out
    assert "DNS:ups.example.org, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7, " \
        "DNS:*.example.net" in text
    assert "ASN1 OID: prime256v1" in text and "CA:FALSE" in text
    run("openssl", "verify", "-CAfile", path, path)
    run("openssl", "x509", "-in", path, "-noout", "-checkend", str(3649 * 86400))


def test_an_authority_and_what_it_signs(binary, tmp_path):
    """As upsbridged(8) has it."""
    steps = f"""
        {binary} --make-authority authority.pem "UPS authority"
        {binary} --make-certificate upsd.pem --sign-with authority.pem ups.example.org
        {binary} --make-certificate client.pem --sign-with authority.pem backup.example.org
        openssl x509 -in authority.pem -out clients.pem
        openssl verify -x509_strict -purpose sslserver -CAfile clients.pem upsd.pem
        openssl verify -x509_strict -purpose sslclient -CAfile clients.pem client.pem
        openssl verify -verify_hostname ups.example.org -CAfile clients.pem upsd.pem
    """
    run("sh", "-e", "-c", f"cd {shlex.quote(str(tmp_path))}\n{steps}")
    assert b"PRIVATE" not in (tmp_path / "clients.pem").read_bytes()
    done = run("openssl", "verify", "-verify_hostname", "other.example.org", "-CAfile",
               tmp_path / "clients.pem", tmp_path / "upsd.pem", check=False)
    assert done.returncode != 0


def test_it_does_not_outlive_its_authority(binary, tmp_path):
    authority = pki.Identity("a", authority=True, ends=50)
    write(tmp_path / "a.pem", authority.pem())
    make(binary, "--make-certificate", tmp_path / "x.pem", "--sign-with", tmp_path / "a.pem", "x")
    end = run("openssl", "x509", "-in", tmp_path / "x.pem", "-noout", "-enddate").out
    assert end == run("openssl", "x509", "-in", tmp_path / "a.pem", "-noout", "-enddate").out


def test_what_cannot_be_made(binary, tmp_path):
    path = write(tmp_path / "there.pem", "mine\n")
    leaf = write(tmp_path / "leaf.pem", pki.Identity("leaf").pem())
    old = write(tmp_path / "old.pem", pki.Identity("old", authority=True, begins=-9, ends=-1).pem())
    fresh = tmp_path / "fresh.pem"
    for words, text in [
            (["--make-certificate", path, "x"], f"{path} exists: it is not overwritten"),
            (["--make-certificate", tmp_path / "no" / "x", "x"], "No such file or directory"),
            (["--make-certificate", fresh, "a b"], "'a b' is no name or address of a host"),
            (["--make-certificate", fresh, "x,DNS:y"], "is no name or address of a host"),
            (["--make-certificate", fresh, "a" * 65], "is too long for the first name"),
            (["--make-certificate", fresh, "--sign-with", leaf, "x"], "is no authority"),
            (["--make-certificate", fresh, "--sign-with", old, "x"], "the authority has expired"),
            (["--make-certificate", fresh, "--sign-with", path, "x"], "must hold the certificate"),
            (["--make-certificate", fresh, "--make-authority", fresh], "exclude each other"),
            (["--make-authority", fresh, "--sign-with", old], "goes with --make-certificate"),
            (["--sign-with", old], "goes with --make-certificate")]:
        done = make(binary, *words)
        assert done.returncode == 1 and text in done.err, words
        assert not fresh.exists()
    assert path.read_text() == "mine\n"


# Databases of NSS -----------------------------------------------------------------------------

def has_nss(binary):
    return "--without-nss" not in run(binary, "-V").out


@pytest.fixture
def database(bridge, server, authority):
    folder = bridge.directory / "cert_db"
    options = pki.nss_database(folder)
    pki.nss_identity(folder, options, server, "My nut server")
    pki.nss_certificate(folder, options, authority, "My Root CA", "CT,,")
    return folder


NSS_CONF = 'CERTPATH cert_db\nCERTIDENT "My nut server" "{}"\n'


@pytest.mark.peers("certutil", "pk12util")
def test_a_database_is_read(binary, bridge, database, server):
    if not has_nss(binary):
        pytest.skip("upsbridged was built --without-nss")
    conf = NSS_CONF.format("dbpass")
    assert complaints(bridge, conf) == (0, [])
    assert complaints(bridge, conf + "CERTREQUEST REQUIRE\n") == (0, [])
    assert complaints(bridge, NSS_CONF.format("wrong")) == \
        (1, ["error: upsd.conf:3: CERTPATH: the password of CERTIDENT does not open the NSS "
             "database cert_db"])
    assert complaints(bridge, 'CERTPATH cert_db\nCERTIDENT "other" "dbpass"\n') == \
        (1, ["error: upsd.conf:4: CERTIDENT: the NSS database cert_db holds no certificate named "
             "'other'"])
    assert complaints(bridge, 'CERTPATH cert_db\nCERTIDENT "My Root CA" "dbpass"\n') == \
        (1, ["error: upsd.conf:4: CERTIDENT: the NSS database cert_db holds no private key for the "
             "certificate 'My Root CA'"])
    assert complaints(bridge, "CERTPATH cert_db\n") == \
        (1, ["error: upsd.conf:3: CERTPATH: CERTIDENT must name the server's certificate in the "
             "NSS database cert_db"])
    write(bridge.directory / "upsd.pem", server.pem())
    assert complaints(bridge, "CERTFILE upsd.pem\nCERTPATH cert_db\nCERTREQUEST 2\n") == (0, [])
    (database / "key4.db").chmod(0o644)
    assert complaints(bridge, conf) == \
        (0, ["warning: upsd.conf:3: CERTPATH: cert_db/key4.db holds a private key, but everybody "
             "may read it: chmod 640 and a group of the daemon's alone"])
    (database / "key4.db").chmod(0o640)
    run("certutil", "-M", "-d", f"sql:{database}", "-f", f"{database}.password", "-n", "My Root CA",
        "-t", "C,,")
    assert complaints(bridge, conf + "CERTREQUEST REQUIRE\n") == \
        (1, ["error: upsd.conf:3: CERTPATH: the NSS database cert_db holds no authority that is "
             "trusted for clients: certutil -M -d 'sql:cert_db' -n NAME -t 'T,,'"])


@pytest.mark.peers("certutil", "pk12util")
def test_a_database_is_read_again_and_again(binary, bridge, database, authority):
    if not has_nss(binary):
        pytest.skip("upsbridged was built --without-nss")
    configure(bridge, NSS_CONF.format("dbpass") + "CERTREQUEST REQUIRE\n")
    bridge.start()
    with NutClient(bridge.port) as client:
        assert variable(client, "subject") == "CN=ups.example.org,O=Acme"
        options = ["-d", f"sql:{database}", "-f", f"{database}.password"]
        for number in range(3):
            run("certutil", "-F", *options, "-n", "My nut server")
            new = pki.Identity(f"number{number}", authority, key=pki.rsa_key())
            pki.nss_identity(database, options, new, "My nut server")
            bridge.reload()
            bridge.program.wait_log(f"the certificate of CN=number{number},O=Acme expires")
            assert variable(client, "subject") == f"CN=number{number},O=Acme"


def commands_of(lines, program):
    """The commands in complaints, as a shell would run them."""
    return [match for line in lines
            for match in re.findall(rf"\b({program} (?:pkcs12 )?-.*?)(?= \(|, |: |$)",
                                    line)]


@pytest.mark.peers("certutil", "pk12util")
def test_a_database_is_exported_by_the_commands_told(binary, bridge, database):
    """Without the library the daemon refuses, and its own advice must lead to a right start."""
    if has_nss(binary):
        pytest.skip("upsbridged was built --with-nss")
    configure(bridge, NSS_CONF.format("dbpass") + "CERTREQUEST REQUIRE\n")
    done = bridge.check()
    assert done.returncode == 1
    lines = done.err.splitlines()
    assert f"CERTPATH: {database} is a database of NSS, which this build cannot read (configure " \
        "--with-nss). Export from it, as these commands say:" in lines[0]
    (export,) = commands_of(lines, "pk12util")
    assert export == f"pk12util -d 'sql:{database}' -n 'My nut server' -o " \
        f"'{bridge.directory}/upsd.p12'"
    run("sh", "-c", f"{export} -k {database}.password -W newpass")
    listing, authority = commands_of(lines, "certutil")
    assert "My Root CA" in run("sh", "-c", listing).out
    run("sh", "-c", authority.replace("AUTHORITY", "My Root CA"))
    words = re.findall(r'(CERT\w+ "[^"]*")', done.err)
    assert words[0] == f'CERTFILE "{bridge.directory}/upsd.p12"'
    assert words[1] == 'CERTIDENT "My nut server"'
    conf = f'{words[0]}\n{words[1]} newpass\n{words[-1]}\nCERTREQUEST REQUIRE\n'
    assert complaints(bridge, conf) == (0, [])
    # The same by PEM.
    (convert,) = commands_of(lines, "openssl")
    subprocess.run(f"{convert} -passin pass:newpass", shell=True, check=True,
                   stderr=subprocess.DEVNULL)
    assert f'CERTFILE "{bridge.directory}/upsd.pem" alone' in done.err
    os.chmod(bridge.directory / "upsd.pem", 0o640)
    assert complaints(bridge, "CERTFILE upsd.pem\n") == (0, [])
