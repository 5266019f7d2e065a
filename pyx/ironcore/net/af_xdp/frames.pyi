from typing import Literal

Verdict = Literal["good", "foreign", "malformed", "corrupt"]
VERDICTS: tuple[Verdict, ...]

def judge(frame: bytes, group: str, port: int) -> tuple[Verdict, bytes, bool]: ...
def build(
    payload: bytes, mac: bytes, source: str, source_port: int, group: str, port: int, ttl: int
) -> bytes: ...
