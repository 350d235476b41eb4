import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceNamed } from './names.ts';

const cases: readonly [string, string | undefined][] = [
  ['web', 'shop/web'],
  ['web.other', 'other/web'],
  ['web.other.svc', 'other/web'],
  ['web.other.svc.cluster', 'other/web'],
  ['Web.Other.svc.cluster.local', 'other/web'],
  ['web.other.svc.cluster.local.', undefined],
  ['web.other.pod', undefined],
  ['web.other.svc.example.org', undefined],
  ['', undefined],
  ['.other', undefined],
];
for (const [name, service] of cases) {
  test(`the service that ${JSON.stringify(name)} means`, () => {
    const found = serviceNamed(name, 'shop');
    assert.equal(found && `${found.namespace}/${found.name}`, service);
  });
}
