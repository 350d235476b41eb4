import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '@osm/kube';
import { builtinTypes } from '../kinds/index.ts';
import type { ServedType } from '../types.ts';
import { StatusError } from './errors.ts';
import { fieldSelector, labelSelector } from './selectors.ts';

const TYPES = builtinTypes(() => ({ openapi: {} }));
const typeOf = (resource: string): ServedType => TYPES.find((type) => type.resource === resource) as ServedType;

const labelled = (labels?: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'n', ...(labels === undefined ? {} : { labels }) },
});

const LABELS = { app: 'web', tier: 'front', 'example.com/size': '7', empty: '' };

const selected: readonly [string, boolean][] = [
  ['', true],
  ['app=web', true],
  ['app==web', true],
  ['app=api', false],
  ['app!=api', true],
  ['missing!=x', true],
  ['app in (web, api)', true],
  ['app in (api)', false],
  ['app notin (api,db)', true],
  ['app notin (web)', false],
  ['missing notin (x)', true],
  ['app', true],
  ['missing', false],
  ['!missing', true],
  ['!app', false],
  ['empty=', true],
  ['app=web,tier=front', true],
  ['app=web,tier in (back)', false],
  ['example.com/size>5', true],
  ['example.com/size<5', false],
  ['app>5', false],
];

for (const [selector, expected] of selected)
  test(`the label selector "${selector}" ${expected ? 'selects' : 'passes over'}`, () => {
    assert.equal(labelSelector(selector)(labelled(LABELS)), expected);
  });

test('an object without labels is selected by what is absent only', () => {
  assert.equal(labelSelector('!app')(labelled()), true);
  assert.equal(labelSelector('app')(labelled()), false);
});

test('a label that hides in the prototype does not exist', () => {
  assert.equal(labelSelector('constructor')(labelled({})), false);
});

for (const wrong of ['a=b=c', '=x', 'a in b', 'a b', '-x', 'a=?', 'a>x', 'a in (b'])
  test(`the label selector "${wrong}" is refused`, () => {
    assert.throws(
      () => labelSelector(wrong),
      (error) => error instanceof StatusError && error.body.code === 400,
    );
  });

test('pods are selected by the fields that kubelets and kubectl ask for', () => {
  const object = { ...labelled(), spec: { nodeName: 'node-1' }, status: { phase: 'Running' } };
  const matches = (selector: string) => fieldSelector(selector, typeOf('pods'))(object);
  assert.equal(matches('metadata.name=p,metadata.namespace=n'), true);
  assert.equal(matches('spec.nodeName=node-1'), true);
  assert.equal(matches('spec.nodeName!=node-1'), false);
  assert.equal(matches('spec.nodeName='), false);
  assert.equal(matches('status.phase!=Running'), false);
});

test('a field that a kind has not is named, with those it has', () => {
  assert.throws(
    () => fieldSelector('spec.replicas=1', typeOf('configmaps')),
    (error) =>
      error instanceof StatusError &&
      error.body.code === 400 &&
      /spec\.replicas/.test(error.message) &&
      /metadata\.name/.test(error.message),
  );
});
