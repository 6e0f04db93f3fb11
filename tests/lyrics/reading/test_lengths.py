import pytest

from songbloom.lyrics.reading.lengths import bare_length, take_length


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10),
        ("8 seconds", 8),
        ("10,5s", 10.5),
        ("1.5 秒", 1.5),
        ("500ms", 0.5),
        ("1,500 ms", 1.5),
        ("1m", 60),
        ("1 minute", 60),
        ("1.5 min", 90),
        ("1m30s", 90),
        ("1m30", 90),
        ("1min30", 90),
        ("1 min 30", 90),
        ("1 minute and 30 seconds", 90),
        ("1:30 min", 90),
        ("1分10秒", 70),
        ("1分钟30秒", 90),
        ("一分半", 90),
        ("半分钟", 30),
        ("十秒", 10),
        ("三十五秒", 35),
        ("0:12", 12),
        ("0:12.5", 12.5),
        ("1:00", 60),
        ("00:30 - 00:45", 15),
        ("3:45-4:00", 15),
        ("10s to 25s", 15),
        ("10-15s", 5),
    ],
)
def test_lengths(text: str, seconds: float) -> None:
    for written in (text, f"({text})"):
        length = bare_length(written)
        assert length and (length.seconds, length.unread) == (seconds, ())
    assert take_length(f"solo:{text} guitar").seconds == seconds


@pytest.mark.parametrize("text", ["3:45", "1:01", "0:75", "0:01:30", "0:45 - 0:30"])
def test_times_that_are_no_length(text: str) -> None:
    length = bare_length(text)
    assert length and length.seconds is None and length.unread == (text,)
    assert take_length(f"outro {text} 10s").seconds == 10


@pytest.mark.parametrize("text", ["", "10", "la 10s", "十分", "verse 2", "s", "1x", "8 miles"])
def test_what_is_no_length(text: str) -> None:
    assert bare_length(text) is None
