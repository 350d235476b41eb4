import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RULES, planTransaction, wholeTable } from './nft-table.ts';
import { type PortRule, rulesOf } from './service-rules.ts';
import { service, slice } from './testing/listing.ts';

const WEB = service('web', { clusterIP: '198.18.0.5', ports: [{ name: 'http', port: 80 }] });
const PORTS = [{ name: 'http', port: 8080 }];
const backends = (endpoints: Parameters<typeof slice>[2]) =>
  rulesOf(WEB, [slice('s', 'web', endpoints, PORTS)])[0]?.backends.map((b) => b.ip);

test('ready endpoints are used, without doubles and in order', () => {
  assert.deepEqual(
    backends([
      { addresses: ['198.19.0.3'] },
      { addresses: ['198.19.0.2'], conditions: {} },
      { addresses: ['198.19.0.3'] },
    ]),
    ['198.19.0.2', '198.19.0.3'],
  );
  assert.deepEqual(
    backends([
      { addresses: ['198.19.0.3'], conditions: { ready: true } },
      { addresses: ['198.19.0.2'], conditions: { ready: false } },
    ]),
    ['198.19.0.3'],
  );
});

test('terminating endpoints that serve are used only when none is ready', () => {
  const leaving = { addresses: ['198.19.0.2'], conditions: { ready: false, serving: true, terminating: true } };
  assert.deepEqual(backends([leaving, { addresses: ['198.19.0.3'] }]), ['198.19.0.3']);
  assert.deepEqual(backends([leaving]), ['198.19.0.2']);
  assert.equal(backends([{ ...leaving, conditions: { ...leaving.conditions, serving: false } }]), undefined);
});

test('headless, ExternalName, foreign and port-less services have no rules', () => {
  const s = slice('s', 'web', [{ addresses: ['198.19.0.2'] }], PORTS);
  assert.deepEqual(rulesOf(undefined, [s]), []);
  for (const spec of [
    { clusterIP: 'None' },
    { type: 'ExternalName', clusterIP: '198.18.0.5' },
    { clusterIP: 'fd00::1' },
    {},
  ]) {
    assert.deepEqual(rulesOf(service('web', { ports: [{ name: 'http', port: 80 }], ...spec }), [s]), []);
  }
  assert.deepEqual(
    rulesOf(service('web', { clusterIP: '198.18.0.5', ports: [{ name: 'https', port: 443 }] }), [s]),
    [],
  );
  assert.deepEqual(
    rulesOf(service('web', { clusterIP: '198.18.0.5', ports: [{ name: 'http', port: 80, protocol: 'SCTP' }] }), [s]),
    [],
  );
});

const rule = (vip: string, ...ips: readonly string[]): PortRule => ({
  vip,
  protocol: 'tcp',
  port: 80,
  sticky: false,
  backends: ips.map((ip) => ({ ip, port: 1 })),
});
const plan = (from: typeof NO_RULES, changes: Record<string, readonly PortRule[]>) =>
  planTransaction(from, new Map(Object.entries(changes)));

test('a transaction holds the change and nothing else', () => {
  const both = plan(NO_RULES, {
    'n/a': [rule('198.18.0.1', '198.19.0.2', '198.19.0.3')],
    'n/b': [rule('198.18.0.2', '198.19.0.2')],
  });
  assert.equal(both.scripts.length, 1);
  assert.deepEqual(plan(both.next, { 'n/a': [rule('198.18.0.1', '198.19.0.2', '198.19.0.3')] }).scripts, []);
  const less = plan(both.next, { 'n/a': [rule('198.18.0.1', '198.19.0.2')] });
  assert.deepEqual(less.scripts, [
    'flush chain ip osm to-198.18.0.1-tcp-80\nadd rule ip osm to-198.18.0.1-tcp-80 meta l4proto tcp dnat ip to 198.19.0.2:1\ndelete element ip osm hairpins { 198.19.0.3 . 198.19.0.3 }\n',
  ]);
  const gone = plan(less.next, { 'n/a': [] });
  assert.deepEqual(gone.scripts, [
    'delete element ip osm ports { 198.18.0.1 . tcp . 80 }\ndelete chain ip osm to-198.18.0.1-tcp-80\n',
  ]);
  assert.deepEqual(plan(gone.next, { 'n/b': [] }).next, { rules: new Map(), hairpins: new Map() });
});

test('an address that moves to another service stays with the new owner', () => {
  const first = plan(NO_RULES, { 'n/a': [rule('198.18.0.1', '198.19.0.2')] }).next;
  const moved = plan(first, { 'n/b': [rule('198.18.0.1', '198.19.0.3')] }).next;
  assert.deepEqual(plan(moved, { 'n/a': [] }).scripts, []);
  assert.match(
    plan(first, { 'n/a': [], 'n/b': [rule('198.18.0.1', '198.19.0.3')] }).scripts[0] ?? '',
    /^flush chain ip osm to-198\.18\.0\.1-tcp-80\n/,
  );
});

test('a large table is written in parts that the kernel takes, each rule whole', () => {
  const all = new Map(
    Array.from({ length: 500 }, (_, n) => [
      `n/s${n}`,
      [rule(`198.18.${n >> 8}.${n & 255}`, '198.19.0.2', '198.19.0.3')],
    ]),
  );
  const { scripts } = wholeTable(all);
  assert.ok(scripts.length > 1 && scripts.length < 20);
  assert.match(scripts[0] ?? '', /^table ip osm\ndelete table ip osm\n/);
  assert.equal(scripts.join('').match(/add chain/g)?.length, 500);
  for (const script of scripts.slice(1)) assert.match(script, /^add (chain|element ip osm hairpins)/);
});
