# SPDX-License-Identifier: BSD-2-Clause
"""A release is made with signature and checksums, and README.md tells how to verify it."""

import re
import shutil
from pathlib import Path

import pytest

from conftest import TOP
from harness import run
from release import make_release

KEY = "release-test@example.org"
CHAPTER = (TOP / "README.md").read_text().split("## Verify what you downloaded")[1].split("\n## ")[0]
COMMANDS = [line for block in re.findall(r"^```text\n(.*?)^```$", CHAPTER, re.M | re.S)
            for line in block.splitlines() if " " in line]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """GnuPG's home with a key that is good for this test only."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    path = tmp_path_factory.mktemp("gnupg")
    path.chmod(0o700)
    run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", KEY, "ed25519", "sign", "1d",
        env={"GNUPGHOME": str(path)})
    yield path
    run("gpgconf", "--kill", "all", env={"GNUPGHOME": str(path)})


@pytest.fixture(scope="module")
def release(binary, home, tmp_path_factory):
    """The folder with what `make dist-sign` made, under the name that README.md has."""
    folder = tmp_path_factory.mktemp("release")
    return make_release(binary, folder, "dist-sign", f"DIST_SIGN_KEY={KEY}",
                        env={"GNUPGHOME": str(home)})


def readme_names():
    names = re.findall(r"^(upsbridge-\S+)$", CHAPTER, re.M)
    assert len(names) == 5
    return names


def verify(folder, command, home):
    return run("sh", "-c", f"cd {folder} && {command}", check=False,
               env={"GNUPGHOME": str(home), "LC_ALL": "C"})


def test_what_is_published(release):
    assert sorted(path.name for path in release.iterdir()) == sorted(readme_names())
    assert all(path.stat().st_size > 0 for path in release.iterdir())


def test_the_commands_of_the_readme(release, home, tmp_path):
    """In a home of their own, into which the public key is imported as somebody else would."""
    fresh = tmp_path / "home"
    fresh.mkdir(mode=0o700)
    run("gpg", "--armor", "--output", release / "upsbridge-key.asc", "--export", KEY,
        env={"GNUPGHOME": str(home)})
    said = [verify(release, command, fresh) for command in COMMANDS]
    (release / "upsbridge-key.asc").unlink()
    run("gpgconf", "--kill", "all", env={"GNUPGHOME": str(fresh)})
    assert len(said) >= 8
    for command, done in zip(COMMANDS, said):
        assert done.returncode == 0, (command, done.err)
        if "--verify" in command:
            assert f'Good signature from "{KEY}"' in done.err
        if " -c " in command:
            assert done.out == "upsbridge-0.1.0.tar.xz: OK\n"
    wanted = (release / "upsbridge-0.1.0.tar.xz.sha256").read_text().split()[0]
    for command, done in zip(COMMANDS, said):
        if re.search("openssl|print-md", command):
            assert wanted in re.sub(r"\s", "", done.out).lower(), command


def test_a_forged_archive_is_found_out(release, home, tmp_path):
    shutil.copytree(release, tmp_path / "forged")
    with open(tmp_path / "forged" / "upsbridge-0.1.0.tar.xz", "ab") as archive:
        archive.write(b"\0")
    checks = [command for command in COMMANDS if re.search("--verify|sum -c", command)]
    assert len(checks) == 4
    for command in checks:
        assert verify(tmp_path / "forged", command, home).returncode != 0, command


def test_no_signature_without_a_key(binary):
    build = Path(binary).parent
    if not (build / "Makefile").exists():
        pytest.skip("the binary under test is not in a build folder")
    # Not the archive again: only what comes after it.
    done = run("make", "-C", build, "-o", "dist-hash", "dist-sign", check=False)
    assert done.returncode != 0 and "DIST_SIGN_KEY" in done.err
