import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { KubeObject } from '@osm/kube';
import { parse, stringify } from 'yaml';
import { deepFreeze } from '../store/fields.ts';
import { serverSideApply } from './apply.ts';
import { PatchError } from './patch-error.ts';
import { schemaOf } from './testing/schemas.ts';
import { type Step, take, takeAll } from './testing/sequence.ts';

/** Every `testdata/NAME.in.yaml` is a sequence of writes; `NAME.out.yaml` is what each of them leaves. */
const GOLDENS = new URL('./testdata/', import.meta.url);

for (const file of readdirSync(GOLDENS).filter((name) => name.endsWith('.in.yaml')))
  test(`ownership: ${file.replace('.in.yaml', '').replaceAll('-', ' ')}`, () => {
    const steps = deepFreeze(parse(readFileSync(new URL(file, GOLDENS), 'utf8')) as readonly Step[]);
    const golden = new URL(file.replace('.in.', '.out.'), GOLDENS);
    const outcome = stringify(takeAll(steps), { aliasDuplicateObjects: false, lineWidth: 120 });
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, outcome);
    assert.equal(outcome, readFileSync(golden, 'utf8'));
  });

const NOW = new Date('2026-01-01T00:00:00Z');

const applied = (spec: object): KubeObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name: 'thing' },
  spec,
});

const apply = (live: KubeObject | undefined, object: KubeObject, manager = 'one') =>
  serverSideApply({
    live,
    applied: object,
    manager,
    force: false,
    schema: schemaOf(object.apiVersion, object.kind),
    subresource: '',
    apiVersion: object.apiVersion,
    now: NOW,
  });

test('applying the same again gives back the very object, whenever it is', () => {
  const step = { apply: 'one', object: applied({ size: 1, tags: ['a'], ports: [{ port: 1 }], free: { x: [1] } }) };
  const first = take(undefined, step, 0);
  assert.equal(take(first, step, 5), first);
});

test('a conflict names manager, path and message, and gives no new object', () => {
  const live = take(undefined, { apply: 'one', object: applied({ size: 1 }) }, 0);
  const { object, conflicts } = apply(live, applied({ size: 2 }), 'two');
  assert.equal(object, live);
  assert.deepEqual(conflicts, [{ manager: 'one', path: '.spec.size', message: 'conflict with "one"' }]);
});

const UNFIT: readonly (readonly [name: string, spec: object, message: RegExp])[] = [
  ['an item without keys', { ports: [{ note: 'x', protocol: null }, {}] }, /\.spec\.ports: duplicate entries for key/],
  ['duplicate keys', { ports: [{ port: 1 }, { port: 1, protocol: 'UDP' }] }, /duplicate entries for key \{"port":1/],
  ['duplicates in a set', { tags: ['a', 'a'] }, /\.spec\.tags: duplicate entries for key "a"/],
  ['items that are no objects', { ports: ['a'] }, /none of the keys: port, protocol/],
];

for (const [name, spec, message] of UNFIT)
  test(`an apply with ${name} is refused`, () => {
    assert.throws(
      () => apply(undefined, applied(spec)),
      (error) => error instanceof PatchError && message.test(error.message),
    );
  });

test('null asks for absence, except where the schema knows null', () => {
  const { object } = apply(undefined, applied({ size: null, hint: null, free: { x: null } }));
  assert.deepEqual(object.spec, { hint: null, free: { x: null } });
});
