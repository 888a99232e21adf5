"""Logging neither waits nor fails, whatever the reader does."""

import os
import threading

import pytest

from ozrules.logs.output import MAX_BUFFERED, Output, to_descriptor


def _dropped(count: int) -> bytes:
    return b"%d dropped\n" % count


def test_lines_come_out_in_order_and_whole() -> None:
    reader, writer = os.pipe()
    output = Output(to_descriptor(writer), _dropped)
    for number in range(1000):
        output.put(b"%d\n" % number)
    output.close()
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        assert file.read().split() == [b"%d" % number for number in range(1000)]


@pytest.mark.fault(85)
def test_a_pipe_that_is_never_read_costs_lines_and_nothing_else() -> None:
    reader, writer = os.pipe()
    output = Output(to_descriptor(writer), _dropped)
    line = b"x" * 65_536 + b"\n"
    for _ in range(200):
        output.put(line)
    dropped = output.dropped
    assert dropped > 0
    assert 200 - dropped >= MAX_BUFFERED // len(line)
    reading = threading.Thread(target=output.close)
    reading.start()
    with os.fdopen(reader, "rb") as file:
        got = [file.readline() for _ in range(200 - dropped + 1)]
    assert got[-1] == b"%d dropped\n" % dropped
    assert got[:-1] == [line] * (200 - dropped)
    reading.join()
    os.close(writer)


@pytest.mark.fault(85)
def test_a_reader_that_has_gone_is_no_fault_of_ours() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    output = Output(to_descriptor(writer), _dropped)
    output.put(b"nobody reads this\n")
    output.close()
    os.close(writer)
