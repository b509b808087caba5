# SPDX-License-Identifier: AGPL-3.0-or-later
"""A strict reader of Prometheus' text format 0.0.4: what `promtool check metrics` would complain about is an error here, too."""
import math
import re

NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*'
VALUE = r'(?:[^"\\\n]|\\["\\n])*'
SAMPLE = re.compile(rf'({NAME})(?:\{{((?:{LABEL}="{VALUE}"(?:,(?=[a-zA-Z_]))?)+)\}})? ([^ ]+)')
PAIR = re.compile(rf'({LABEL})="({VALUE})"')
ESCAPES = {'\\\\': '\\', '\\"': '"', '\\n': '\n'}


def number(text):
    """As Go's ParseFloat, without its more exotic forms."""
    if text in ('NaN', '+Inf', '-Inf'):
        return float(text)
    assert re.fullmatch(r'[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?', text), f'not a number: {text}'
    return float(text)


def parse(text):
    """{name: {'type', 'help', 'samples': {(label pairs, sorted): value}}}; AssertionError for whatever is wrong."""
    assert text.endswith('\n'), 'the last line has no end'
    families, current = {}, None
    for line in text[:-1].split('\n'):
        if line.startswith('# HELP '):
            name, _, words = line[7:].partition(' ')
            assert re.fullmatch(NAME, name) and words and name not in families, line
            assert not re.search(r'\\(?![\\n])', re.sub(r'\\\\', '', words)), f'a bad escape: {line}'
            current = families[name] = {'help': words, 'type': None, 'samples': {}}
            current_name = name
        elif line.startswith('# TYPE '):
            name, _, kind = line[7:].partition(' ')
            assert current is not None and name == current_name and current['type'] is None and not current['samples'], f'TYPE out of place: {line}'
            assert kind in ('counter', 'gauge'), line
            assert (kind == 'counter') == name.endswith('_total'), f'a counter, and no other, ends with _total: {line}'
            current['type'] = kind
        else:
            match = SAMPLE.fullmatch(line)
            assert match, f'not a sample: {line!r}'
            name, labels, value = match.groups()
            assert current is not None and name == current_name and current['type'], f'a sample outside its family: {line}'
            pairs = [(key, re.sub(r'\\.', lambda m: ESCAPES[m[0]], word)) for key, word in PAIR.findall(labels or '')]
            assert len({key for key, _ in pairs}) == len(pairs), f'a label twice: {line}'
            key = tuple(sorted(pairs))
            assert key not in current['samples'], f'a sample twice: {line}'
            read = number(value)
            assert current['type'] != 'counter' or (read >= 0 and math.isfinite(read)), line
            current['samples'][key] = read
    for name, family in families.items():
        assert family['type'], f'{name} has no type'
    return families
