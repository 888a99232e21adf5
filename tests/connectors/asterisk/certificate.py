"""A certificate for 127.0.0.1 that nobody else vouches for."""

import shutil
import subprocess
from pathlib import Path

import pytest


def self_signed(folder: Path) -> tuple[Path, Path]:
    """The certificate and its key, as new files in ``folder``."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make a certificate with")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    kind = ["-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    names = ["-subj", "/CN=lab", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *kind, *names, *files], check=True, capture_output=True)
    return certificate, key
