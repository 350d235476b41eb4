import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilterChainJson, FilterChainMatchJson } from '@osm/envoy';
import { addressRanges } from './address.ts';
import { distinctChains } from './distinct-chains.ts';

const chain = (name: string, filterChainMatch: FilterChainMatchJson): FilterChainJson => ({ name, filterChainMatch });
const names = (chains: readonly FilterChainJson[]): readonly (string | undefined)[] => chains.map(({ name }) => name);

test('chains that differ stay the same objects', () => {
  const chains = [
    chain('a', { destinationPort: 80, prefixRanges: addressRanges(['10.0.0.1']) }),
    chain('b', { destinationPort: 80, prefixRanges: addressRanges(['10.0.0.0/8']) }),
    chain('c', { destinationPort: 81, prefixRanges: addressRanges(['10.0.0.1']) }),
    chain('d', { destinationPort: 80, prefixRanges: addressRanges(['10.0.0.1']), transportProtocol: 'tls' }),
    chain('e', { destinationPort: 80, prefixRanges: addressRanges(['10.0.0.1']), serverNames: ['x'] }),
  ];
  const distinct = distinctChains(chains);
  assert.deepEqual(distinct, chains);
  for (const [i, each] of distinct.entries()) assert.equal(each, chains[i]);
});

test('the latter of two loses what both match', () => {
  const [first, second] = distinctChains([
    chain('a', { destinationPort: 80, prefixRanges: addressRanges(['10.0.0.1', '10.0.0.2']) }),
    chain('b', { destinationPort: 80, prefixRanges: addressRanges(['10.0.0.2', '10.0.0.3']) }),
  ]);
  assert.equal(first?.filterChainMatch?.prefixRanges?.length, 2);
  assert.deepEqual(second?.filterChainMatch?.prefixRanges, addressRanges(['10.0.0.3']));
});

test('a chain of which nothing is left goes', () => {
  const match = { destinationPort: 443, serverNames: ['a.example'], transportProtocol: 'tls' };
  assert.deepEqual(names(distinctChains([chain('a', match), chain('b', { ...match, serverNames: ['A.example'] })])), [
    'a',
  ]);
  assert.deepEqual(names(distinctChains([chain('a', {}), chain('b', {})])), ['a']);
});

test('a chain that overlaps in part, and cannot be told apart by one list, goes as a whole', () => {
  const [a, b] = [addressRanges(['10.0.0.1']), addressRanges(['10.0.0.1', '10.0.0.2'])];
  const chains = distinctChains([
    chain('a', { prefixRanges: a, serverNames: ['x'] }),
    chain('b', { prefixRanges: b, serverNames: ['x', 'y'] }),
  ]);
  assert.deepEqual(names(chains), ['a']);
});
