"""Members' passwords: a file of scrypt hashes that its owner alone may read.

    ALFA1: scrypt$16384$8$1$<salt, base64>$<hash, base64>$<check, two hexadecimal digits>

The check is six bits of a quick hash: of 64 wrong passwords it tells 63 without the slow one, so
that a flood of guesses at one member cannot keep the member itself out. Files of earlier versions
have none, and every guess is hashed then. What the six bits cost is in docs/adr/0015.

SoupBinTCP passwords have at most 10 characters and their case does not count (SoupBinTCP 3.00,
login request packet), so a password is hashed in upper case, without the padding on either side.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import stat
from pathlib import Path

import msgspec
import yaml

PASSWORD_CHARACTERS_MAX = 10
MODE = 0o600
SCRYPT_N, SCRYPT_R, SCRYPT_P = 1 << 14, 8, 1  # 16 MiB and some 30 ms a guess
HASH_BYTES, SALT_BYTES = 32, 16
CHECK_BITS = 6


class CredentialsError(Exception):
    """The credentials file cannot be used; the text names file, what was found and expected."""


class Credential(msgspec.Struct, frozen=True):
    """The hash of one password, with what it takes to compute it again."""

    n: int
    r: int
    p: int
    salt: bytes
    digest: bytes
    check: int | None = None

    def may_match(self, password: str) -> bool:
        """False for most passwords that are not the right one, and it costs nothing."""
        return self.check is None or self.check == _check(password, self.salt)

    def matches(self, password: str) -> bool:
        """Whether this is the password; takes the same time whichever it is."""
        found = _digest(password, self.salt, self.n, self.r, self.p)
        return hmac.compare_digest(found, self.digest)

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(b).decode() for b in (self.salt, self.digest))
        check = "" if self.check is None else f"${self.check:02x}"
        return f"scrypt${self.n}${self.r}${self.p}${salt}${digest}{check}"


def normal(password: str) -> bytes:
    """What of a password counts."""
    return password.strip(" ").upper().encode("ascii", "replace")


def _digest(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    text = normal(password)
    return hashlib.scrypt(text, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=HASH_BYTES)


def _check(password: str, salt: bytes) -> int:
    """Six bits that follow from salt and password alone."""
    quick = hashlib.blake2b(normal(password), salt=salt[:16], person=b"check", digest_size=1)
    return quick.digest()[0] & ((1 << CHECK_BITS) - 1)


def hashed(password: str) -> Credential:
    """A new credential; ValueError when the protocol cannot carry the password."""
    text = password.strip(" ")
    if not re.fullmatch(rf"[!-~]{{1,{PASSWORD_CHARACTERS_MAX}}}", text):
        raise ValueError(
            f"found a password of {len(text)} characters, expected 1 to "
            f"{PASSWORD_CHARACTERS_MAX} printable ASCII characters without spaces"
        )
    salt = os.urandom(SALT_BYTES)
    digest = _digest(text, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
    return Credential(SCRYPT_N, SCRYPT_R, SCRYPT_P, salt, digest, _check(text, salt))


def parse(text: str) -> Credential:
    """A credential from its text in the file; ValueError when it is none."""
    parts = text.split("$")
    if len(parts) not in (6, 7) or parts[0] != "scrypt":
        raise ValueError("not scrypt$n$r$p$salt$hash$check")
    n, r, p = (int(part) for part in parts[1:4])
    if not (1 < n <= 1 << 20 and not n & (n - 1) and 1 <= r <= 32 and 1 <= p <= 16):
        raise ValueError("cost out of range")
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[4:6])
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if len(digest) != HASH_BYTES or not salt:
        raise ValueError(f"not a hash of {HASH_BYTES} bytes")
    if len(parts) == 7 and not re.fullmatch("[0-3][0-9a-f]", parts[6]):
        raise ValueError(f"not a check of {CHECK_BITS} bits")
    check = int(parts[6], 16) if len(parts) == 7 else None
    return Credential(n, r, p, salt, digest, check)


def _private_mapping(file: Path, expected: str, hint: str) -> dict[str, str]:
    """A mapping of words from a file that its owner alone may read."""
    try:
        with open(file, encoding="utf-8") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if mode & 0o077:
                raise CredentialsError(
                    f"{file}: found mode {mode:04o}, expected {MODE:04o} (chmod 600 {file})"
                )
            # BaseLoader: every scalar stays the text that it is.
            found = yaml.load(stream, yaml.BaseLoader)
    except FileNotFoundError as error:
        raise CredentialsError(f"{file}: found no such file, expected {hint}") from error
    except OSError as error:
        raise CredentialsError(f"{file}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CredentialsError(f"{file}: found no valid YAML, expected {expected}") from error
    if not found:
        return {}
    if not isinstance(found, dict):
        raise CredentialsError(f"{file}: found no mapping, expected {expected}")
    return {str(username).upper(): str(text) for username, text in found.items()}


def read_passwords(file: Path) -> dict[str, str]:
    """Username to password, for a member that logs in; CredentialsError unless it is private."""
    return _private_mapping(file, "USER: PASSWORD", "members' passwords")


def load(file: Path) -> dict[str, Credential]:
    """Username to credential; CredentialsError unless the file is private and well-formed."""
    hint = "credentials (ironpit credentials set USER)"
    credentials = {}
    for username, text in _private_mapping(file, "USER: hash", hint).items():
        try:
            credentials[username] = parse(text)
        except ValueError as error:
            raise CredentialsError(
                f"{file}: {username}: found a value that is {error}, "
                "expected what `ironpit credentials set` writes"
            ) from error
    return credentials


def without_check(credentials: dict[str, Credential]) -> str:
    """What to say of entries that an earlier version wrote; empty when there are none."""
    names = sorted(name for name, credential in credentials.items() if credential.check is None)
    if not names:
        return ""
    return (
        f"credentials of {', '.join(names)}: found no check, because an earlier version wrote "
        "them: somebody who guesses at such a name can keep the member out until it has logged "
        "in once (`ironpit credentials set` writes the check)"
    )


def store(file: Path, credentials: dict[str, Credential]) -> None:
    """Replace the file in one step; it is never readable by others, not even for a moment."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{name}: {credential}\n" for name, credential in sorted(credentials.items()))
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, file)


def set_password(file: Path, username: str, password: str) -> None:
    """Add or change one member's password."""
    credentials = load(file) if file.exists() else {}
    credentials[username.upper()] = hashed(password)
    store(file, credentials)
