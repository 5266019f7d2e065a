"""Goal: no input makes a decoder crash, read or write out of bounds, or contradict its encoder.

Method: libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer on every decoder, briefly and
from the kept corpus (`make fuzz` runs longer). That it would find something is shown with decoders
that were broken on purpose.
"""

import shutil
from pathlib import Path

import pytest
from tests.fuzz import harness

# A build from nothing takes minutes on a busy machine.
pytestmark = [pytest.mark.needs_tool("clang"), pytest.mark.timeout(1200)]

EXECUTIONS = 200_000


@pytest.fixture(scope="module")
def executable() -> Path:
    reason = harness.unavailable()
    if reason:
        pytest.skip(reason)
    return harness.build()


@pytest.mark.parametrize("target", harness.DECODERS)
def test_a_decoder_stands_up_to_any_input(executable: Path, target: str, tmp_path: Path) -> None:
    result = harness.run(executable, target, EXECUTIONS, seed=1, corpus=tmp_path)
    assert result.executions >= EXECUTIONS
    # A harness that reaches nothing would pass as well.
    assert result.coverage > 30


@pytest.mark.parametrize("target", harness.DECODERS)
def test_the_kept_corpus_is_there_and_small(target: str) -> None:
    inputs = harness.read_corpus(target)
    assert inputs
    assert len(set(inputs)) == len(inputs)
    assert sum(len(one) for one in inputs) < 64 * 1024
    assert max(len(one) for one in inputs) <= harness.TARGETS[target]


BREAKS = [
    pytest.param(
        "ouch50_inbound.pyx",
        "check_min(buffer, bytes, OUCH50_CANCEL_ORDER, OUCH50_CANCEL_ORDER_BYTES)",
        "check_min(buffer, bytes, OUCH50_CANCEL_ORDER, OUCH50_CANCEL_ORDER_BYTES - 1)",
        "ouch50_inbound",
        ["AddressSanitizer: heap-buffer-overflow", "READ of size 1", "ouch50_decode_cancel_order"],
        id="a decoder that reads one byte too far",
    ),
    pytest.param(
        "soupbin.pyx",
        "if bytes < 2 + length:",
        "if bytes < 1 + length:",
        "soupbin",
        ["AddressSanitizer: heap-buffer-overflow", "READ of size 1", "read_all"],
        id="a walk whose payload ends behind the buffer",
    ),
    pytest.param(
        "ouch50_inbound.pyx",
        "store_u32_be(out + 6, message.quantity)",
        "store_u32_be(out + 6, message.quantity | 1)",
        "ouch50_inbound",
        ["invariant broken: encoded again, it is the same"],
        id="an encoder that writes another quantity",
    ),
    pytest.param(
        "moldudp64.pyx",
        "if builder.bytes_max - builder.bytes < MOLD_BLOCK_HEADER_BYTES + message_bytes:",
        "if builder.bytes_max - builder.bytes < message_bytes:",
        "moldudp64",
        ["ERROR: libFuzzer: deadly signal", "a committed MoldUDP64 block was reserved"],
        id="a builder that forgets the length of a block",
    ),
]


@pytest.mark.parametrize(("file", "sound", "broken", "target", "report"), BREAKS)
def test_a_broken_codec_is_found(
    executable: Path,
    tmp_path: Path,
    file: str,
    sound: str,
    broken: str,
    target: str,
    report: list[str],
) -> None:
    pyx = tmp_path / "pyx"
    shutil.copytree(harness.ROOT / "pyx", pyx, ignore=shutil.ignore_patterns("*.so", "*.c"))
    source = pyx / "ironcore" / "wire" / file
    text = source.read_text()
    assert sound in text
    source.write_text(text.replace(sound, broken))
    out = tmp_path / "build"
    shutil.copytree(executable.parent, out, ignore=shutil.ignore_patterns("corpus", "merged"))
    broken_build = harness.build(pyx, out)
    with pytest.raises(harness.FindingError) as failure:
        harness.run(broken_build, target, 2_000_000, seed=1)
    for line in report:
        assert line in str(failure.value)
    # The input that did it was left behind, and does it again; the sound codec stands up to it.
    (left,) = out.glob(f"{target}-crash-*")
    with pytest.raises(harness.FindingError):
        harness.run_input(broken_build, target, left)
    harness.run_input(executable, target, left)
