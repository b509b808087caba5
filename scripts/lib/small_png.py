#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Makes pictures of pages small: 256 colours: the most frequent ones, then those that are least like any of these.

usage: small_png.py FROM TO    every *.png of the directory FROM, into TO

For what a browser writes: 8 bits a channel, RGB or RGBA without transparency, not interlaced. Python alone, so that no package is needed."""
import collections
import itertools
import pathlib
import struct
import sys
import zlib

SIGNATURE = b'\x89PNG\r\n\x1a\n'
COLOURS, FREQUENT = 256, 192


def chunks(data):
    at = len(SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from('>I4s', data, at)
        yield kind, data[at + 8:at + 8 + length]
        at += 12 + length


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def paeth(a, b, c):
    p, q, r = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    return a if p <= q and p <= r else b if q <= r else c


def unfilter(kind, line, before, step):
    if kind == 0:
        return line
    if kind == 1:
        out = bytearray(len(line))
        for channel in range(step):
            out[channel::step] = bytes(itertools.accumulate(line[channel::step], lambda a, b: (a + b) & 255))
        return bytes(out)
    if kind == 2:
        return bytes([(a + b) & 255 for a, b in zip(line, before)])
    out = bytearray(step) + bytearray(len(line))
    up = bytes(step) + before
    if kind == 3:
        for i, byte in enumerate(line, step):
            out[i] = (byte + ((out[i - step] + up[i]) >> 1)) & 255
    else:
        for i, byte in enumerate(line, step):
            out[i] = (byte + paeth(out[i - step], up[i], up[i - step])) & 255
    return bytes(out[step:])


def read(data):
    """Width, and for each row its pixels, as (red, green, blue)."""
    assert data.startswith(SIGNATURE), 'no PNG'
    parts = list(chunks(data))
    width, height, depth, kind, _, _, interlaced = struct.unpack('>IIBBBBB', parts[0][1])
    assert depth == 8 and kind in (2, 6) and not interlaced, 'not as a browser writes it'
    step = 3 if kind == 2 else 4
    raw = zlib.decompress(b''.join(body for name, body in parts if name == b'IDAT'))
    size, before, rows = 1 + width * step, bytes(width * step), []
    for y in range(height):
        before = unfilter(raw[y * size], raw[y * size + 1:(y + 1) * size], before, step)
        rows.append(list(zip(before[0::step], before[1::step], before[2::step])))
    return width, rows


def palette(rows):
    """The colours, and the place of every colour of the picture among them: the nearest."""
    counts = collections.Counter(itertools.chain.from_iterable(rows))
    nearest = {colour: (1 << 20, 0) for colour in counts}  # distance and place
    chosen = []

    def choose(colour):
        r, g, b = colour
        for other, (distance, _) in nearest.items():
            new = (other[0] - r) ** 2 + (other[1] - g) ** 2 + (other[2] - b) ** 2
            if new < distance:
                nearest[other] = new, len(chosen)
        chosen.append(colour)

    for colour, _ in counts.most_common(FREQUENT):
        choose(colour)
    while len(chosen) < min(COLOURS, len(counts)):
        choose(max(nearest, key=nearest.get))
    return chosen, {colour: place for colour, (_, place) in nearest.items()}


def smaller(data):
    width, rows = read(data)
    chosen, places = palette(rows)
    body = b''.join(b'\0' + bytes([places[colour] for colour in row]) for row in rows)
    header = struct.pack('>IIBBBBB', width, len(rows), 8, 3, 0, 0, 0)
    small = SIGNATURE + chunk(b'IHDR', header) + chunk(b'PLTE', bytes(itertools.chain.from_iterable(chosen))) + \
        chunk(b'IDAT', zlib.compress(body, 9)) + chunk(b'IEND', b'')
    return min(small, data, key=len)


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob('*.png')):
        (target / path.name).write_bytes(smaller(path.read_bytes()))


if __name__ == '__main__':
    main()
