"""Raw bytes as an operator reads them: offset, hex, text."""

from urllib.parse import parse_qsl

MOST = 16 * 1024
_ROW = 16


def dump(raw: bytes) -> str:
    """A hex and text dump of at most ``MOST`` bytes."""
    rows = [_line(offset, raw[offset : offset + _ROW]) for offset in range(0, min(len(raw), MOST), _ROW)]
    if len(raw) > MOST:
        rows.append(f"… {len(raw) - MOST} further bytes")
    return "\n".join(rows)


def fields(raw: bytes) -> list[tuple[str, str]]:
    """Each name of a posted form with what it holds, in the order they came."""
    return parse_qsl(raw.decode(errors="replace"), keep_blank_values=True)


def _line(offset: int, chunk: bytes) -> str:
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in chunk)
    return f"{offset:06x}  {chunk.hex(' '):<47}  {text}"
