import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followJsonPath, readJsonPath } from './json-path.ts';

const object = {
  metadata: { name: 'one', annotations: { 'a.b/c': 'x', d: 'y' } },
  spec: {
    hosts: ['a', 'b', 'c'],
    ports: [
      { name: 'http', port: 80 },
      { name: 'https', port: 443 },
    ],
  },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Other', status: 'False', observed: 3 },
    ],
  },
};

test('paths lead to their values', () => {
  const table: readonly (readonly [path: string, found: readonly unknown[]])[] = [
    ['.metadata.name', ['one']],
    ['.metadata.annotations.a\\.b/c', ['x']],
    [".metadata.annotations['a.b/c']", ['x']],
    ['.spec.hosts[0]', ['a']],
    ['.spec.hosts[-1]', ['c']],
    ['.spec.hosts[1:]', ['b', 'c']],
    ['.spec.hosts[0:2]', ['a', 'b']],
    ['.spec.hosts[*]', ['a', 'b', 'c']],
    ['.spec.ports[*].port', [80, 443]],
    ['.metadata.annotations.*', ['x', 'y']],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    [".status.conditions[?(@.type == 'Ready')].status", ['True']],
    ['.status.conditions[?(@.type!="Ready")].type', ['Other']],
    ['.status.conditions[?(@.observed)].type', ['Other']],
    ['.status.conditions[?(@.observed>2)].type', ['Other']],
    ['.status.conditions[?(@.observed<=2)].type', []],
    ['.spec.ports[?(@.port>=443)].name', ['https']],
    ['..port', [80, 443]],
    ['.missing.name', []],
    ['.metadata.name.more', []],
    ['.spec.hosts[9]', []],
    ['.spec.hosts.length', []],
    ['.metadata.__proto__', []],
  ];
  for (const [path, found] of table) assert.deepEqual(followJsonPath(readJsonPath(path), object), found, path);
});

test('what is no path is refused', () => {
  for (const path of ['a', '.a[', '.a[]', '.a[?(@.b=)]', '.a b', '.', '.a..', `.${'a'.repeat(2000)}`])
    assert.throws(() => readJsonPath(path), Error, path);
});
