"""Goal: passwords are kept as hashes in a private file, and checked as SoupBinTCP compares them.

Method: files written by the module and files changed by hand.
"""

from pathlib import Path

import pytest

from ironpit.venue import credentials

# Checks of more than six bits, and in other forms than two digits.
BEYOND = [
    "ALFA1: scrypt$16384$8$1$AAAA$" + "A" * 43 + f"=${check}"
    for check in ("40", "0x1", "1", " 1", "-0", "1_0")
]


def test_a_password_matches_whatever_its_case_and_padding(tmp_path: Path) -> None:
    file = tmp_path / "new" / "credentials.yaml"
    credentials.set_password(file, "alfa1", "Secret1")
    credential = credentials.load(file)["ALFA1"]
    assert credential.matches("SECRET1")
    assert credential.matches("  secret1  ")
    assert not credential.matches("secret2")
    assert not credential.matches("")


def test_most_wrong_passwords_are_told_without_the_hash_and_no_right_one(tmp_path: Path) -> None:
    file = tmp_path / "credentials.yaml"
    credentials.set_password(file, "ALFA1", "Secret1")
    credential = credentials.load(file)["ALFA1"]
    assert credential.may_match("secret1 ")
    wrong = sum(credential.may_match(f"GUESS{number}") for number in range(6400))
    assert 50 <= wrong <= 160, "about one of 64"
    # Files of earlier versions have no check: nothing is told without the hash.
    file.write_text(f"ALFA1: {str(credential).rpartition('$')[0]}\n")
    earlier = credentials.load(file)["ALFA1"]
    assert earlier.check is None
    told = credentials.without_check({"BETA1": credential, "ALFA1": earlier})
    assert told.startswith("credentials of ALFA1: found no check")
    assert credentials.without_check({"BETA1": credential}) == ""
    assert all(earlier.may_match(f"GUESS{number}") for number in range(100))
    assert earlier.matches("SECRET1")


def test_the_file_is_private_and_holds_no_password(tmp_path: Path) -> None:
    file = tmp_path / "credentials.yaml"
    credentials.set_password(file, "ALFA1", "SECRET1")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "SECRET1" not in file.read_text()
    assert list(tmp_path.iterdir()) == [file]


def test_a_second_user_is_added_and_a_known_one_changed(tmp_path: Path) -> None:
    file = tmp_path / "credentials.yaml"
    credentials.set_password(file, "ALFA1", "ONE")
    credentials.set_password(file, "BETA1", "TWO")
    credentials.set_password(file, "ALFA1", "THREE")
    found = credentials.load(file)
    assert found["ALFA1"].matches("THREE")
    assert found["BETA1"].matches("TWO")


@pytest.mark.parametrize("password", ["", "   ", "elevenchars", "a b", "é"])
def test_a_password_that_the_protocol_cannot_carry_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        credentials.hashed(password)


@pytest.mark.parametrize(
    "text",
    [
        "- list",
        "ALFA1: plain",
        "ALFA1: scrypt$3$8$1$AA==$AA==",
        "ALFA1: scrypt$16384$8$1$!$!",
        "{",
        *BEYOND,
    ],
)
def test_a_file_that_is_not_ours_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "credentials.yaml"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(credentials.CredentialsError, match=r"credentials\.yaml: .*expected"):
        credentials.load(file)


def test_a_file_that_others_may_read_or_that_is_missing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "credentials.yaml"
    with pytest.raises(credentials.CredentialsError, match="no such file"):
        credentials.load(file)
    credentials.set_password(file, "ALFA1", "ONE")
    file.chmod(0o640)
    with pytest.raises(credentials.CredentialsError, match="found mode 0640, expected 0600"):
        credentials.load(file)
