"""Certificate authorities and certificates for tests, made by the openssl command."""

import subprocess
from pathlib import Path


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_authority(directory: Path, name: str) -> Path:
    """A self-signed authority: the path of its certificate; its key stands beside it."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", f"/CN={name}"),
    )
    return certificate


def make_certificate(
    directory: Path, name: str, authority: Path, *, names: str = "IP:127.0.0.1", days: int = 2
) -> tuple[Path, Path]:
    """A certificate that the authority has signed, and its key, for its owner alone. `names` is its
    subjectAltName; one of -1 days has expired."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    request, extensions = directory / f"{name}.csr", directory / f"{name}.ext"
    extensions.write_text(f"subjectAltName = {names}\n")
    _openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", str(key), "-out", str(request), "-subj", f"/CN={name}"),
    )
    _openssl(
        *("x509", "-req", "-in", str(request), "-CA", str(authority)),
        *("-CAkey", str(authority.with_suffix(".key")), "-CAcreateserial"),
        *("-out", str(certificate), "-days", str(days), "-extfile", str(extensions)),
    )
    key.chmod(0o600)
    return certificate, key
