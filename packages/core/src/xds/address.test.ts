import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressRange, containsRange } from './address.ts';

const written = (cidr: string): string | undefined => {
  const range = addressRange(cidr);
  return range === undefined ? undefined : `${range.addressPrefix}/${range.prefixLen}`;
};

test('ranges are read and cleared of bits past their prefix', () => {
  assert.equal(written('10.1.2.3'), '10.1.2.3/32');
  assert.equal(written('10.1.2.3/8'), '10.0.0.0/8');
  assert.equal(written('0.0.0.0/0'), '0.0.0.0/0');
  assert.equal(written('2001:db8::1'), '2001:db8:0:0:0:0:0:1/128');
  assert.equal(written('2001:DB8:1::/32'), '2001:db8:0:0:0:0:0:0/32');
  assert.equal(written('::/0'), '0:0:0:0:0:0:0:0/0');
});

test('what is no range is undefined', () => {
  const wrong = [
    '',
    'host',
    '10.1.2',
    '10.1.2.256',
    '10.1.2.3/33',
    '10.1.2.3/',
    '10.1.2.3/8/8',
    '1:2',
    '1::2::3',
    ':::',
  ];
  for (const cidr of wrong) assert.equal(written(cidr), undefined, cidr);
});

test('a range contains what lies wholly within it', () => {
  const contains = (outer: string, inner: string): boolean => containsRange(addressRange(outer)!, addressRange(inner)!);
  assert.ok(contains('10.0.0.0/8', '10.1.0.0/16'));
  assert.ok(contains('10.0.0.0/8', '10.0.0.0/8'));
  assert.ok(contains('0.0.0.0/0', '192.0.2.1'));
  assert.ok(!contains('10.1.0.0/16', '10.0.0.0/8'));
  assert.ok(!contains('10.0.0.0/8', '11.0.0.1'));
  assert.ok(!contains('0.0.0.0/0', '::1'));
});
