import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasFormat } from './formats.ts';
import * as names from './names.ts';
import { compilePattern } from './pattern.ts';
import { parseQuantity, writeQuantity } from './quantity.ts';

test('formats tell good from bad', () => {
  const table: readonly (readonly [format: string, good: readonly string[], bad: readonly string[]])[] = [
    [
      'date-time',
      ['2026-01-02T03:04:05Z', '2026-01-02t03:04:05.123+01:00'],
      ['2026-01-02', '2026-13-02T03:04:05Z', '2026-01-02T25:04:05Z', ''],
    ],
    ['date', ['2026-01-02'], ['2026-1-2', '2026-02-31x', '02.01.2026']],
    ['byte', ['', 'YQ==', 'YWI=', 'YWJj'], ['YQ', 'a b', '!']],
    ['hostname', ['example.com', 'a'], ['-a', 'a..b', '']],
    ['email', ['a@b.c'], ['a', 'a b@c']],
    ['ipv4', ['10.0.0.1'], ['::1', '256.0.0.1']],
    ['ipv6', ['::1'], ['10.0.0.1']],
    ['cidr', ['10.0.0.0/8', '::/0'], ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/08']],
    ['mac', ['00:1a:2b:3c:4d:5e', '00-1a-2b-3c-4d-5e'], ['00:1a:2b', '00:1a-2b:3c:4d:5e']],
    ['uri', ['https://a/b', '/a', 'urn:a'], ['a b', '']],
    ['uuid', ['00000000-0000-0000-0000-000000000000'], ['0', 'x']],
    ['duration', ['1h30m', '0', '1.5s', '3 days', '-1m'], ['', 'x', '1', '1h ']],
    ['quantity', ['1', '1.5', '500m', '1Gi', '1e3', '-1', '+.5'], ['', 'x', '1x', '1 Gi', '1gi']],
    ['unheard-of', ['anything'], []],
  ];
  for (const [format, good, bad] of table) {
    for (const value of good) assert.equal(hasFormat(format, value), true, `${format} ${value}`);
    for (const value of bad) assert.equal(hasFormat(format, value), false, `${format} ${value}`);
  }
  assert.equal(hasFormat('int32', -(2 ** 31)), true);
  assert.equal(hasFormat('int32', 2 ** 31), false);
  assert.equal(hasFormat('int64', 2 ** 31), true);
});

test('names follow their rules', () => {
  const table: readonly (readonly [names.NameRule, good: readonly string[], bad: readonly string[]])[] = [
    [names.dnsLabel, ['a', 'a-1', '1'], ['', 'A', 'a.b', '-a', 'a-', 'a'.repeat(64)]],
    [names.dnsSubdomain, ['a', 'a.b-c.d'], ['', 'a..b', 'A', '.a', 'a'.repeat(254)]],
    [names.dns1035Label, ['a', 'a-1'], ['1a', 'A', '']],
    [names.pathSegment, ['system:node', 'A b'], ['.', '..', 'a/b', 'a%b']],
    [
      names.qualifiedName,
      ['a', 'A_b.c', 'example.com/a'],
      ['', 'a/', '/a', 'a/b/c', '-a', 'Bad.Com/a', 'a'.repeat(64)],
    ],
    [names.labelValue, ['', 'A_b.c'], ['-a', 'a b', 'a'.repeat(64)]],
    [names.configKey, ['a', '.dockerconfigjson', 'A_b-c.d'], ['', '.', '..', '..a', 'a/b', 'a b']],
    [names.environmentName, ['A', 'a.b-c', '1 2'], ['', 'a=b', 'ä']],
    [names.portName, ['http', 'a-1'], ['', 'HTTP', '80', 'a--b', '-a', 'a-', 'a'.repeat(16)]],
  ];
  for (const [rule, good, bad] of table) {
    for (const value of good) assert.equal(rule(value), '', value);
    for (const value of bad) assert.notEqual(rule(value), '', value);
  }
});

test('quantities have one canonical text', () => {
  const table: readonly (readonly [unknown, string])[] = [
    [1, '1'],
    ['1000m', '1'],
    ['0.5', '500m'],
    [0.5, '500m'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1000', '1k'],
    ['1500', '1500'],
    ['1e3', '1e3'],
    ['1E3', '1e3'],
    ['100M', '100M'],
    ['0', '0'],
    ['0Gi', '0'],
    ['-1500m', '-1500m'],
    ['1n', '1n'],
    ['0.0000000001', '1n'],
    ['1E', '1E'],
    ['.5', '500m'],
    ['0.5Ki', '512'],
  ];
  for (const [given, wanted] of table) {
    const quantity = parseQuantity(given);
    assert.ok(quantity, String(given));
    assert.equal(writeQuantity(quantity), wanted, String(given));
    assert.equal(writeQuantity(parseQuantity(wanted)!), wanted);
  }
  for (const wrong of [
    '',
    'x',
    '1x',
    '--1',
    '1e',
    `${'9'.repeat(100)}`,
    null,
    {},
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ])
    assert.equal(parseQuantity(wrong), undefined, String(wrong));
});

test('patterns of RE2 are read as JavaScript ones', () => {
  const table: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
    ['^[a-z]([-a-z0-9]*[a-z0-9])?$', 'a-b', true],
    ['^(?P<major>\\d+)\\.\\d+$', '1.2', true],
    ['\\A[[:alpha:]]+\\z', 'abc', true],
    ['\\A[[:alpha:]]+\\z', 'ab1', false],
    ['(?i)^true$', 'TRUE', true],
    ['^[\\w\\-\\.]+$', 'a-b.c', true],
    ['^\\pL+$', 'ä', true],
    ['^\\p{L}+$', 'ä', true],
    ['^[\\_\\-]$', '_', true],
  ];
  for (const [pattern, text, matches] of table) assert.equal(compilePattern(pattern)?.test(text), matches, pattern);
  assert.equal(compilePattern('('), undefined);
  assert.equal(compilePattern('^a$'), compilePattern('^a$'));
});
