import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson, parseYaml } from './body.ts';

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

test('bodies are read to a bounded depth', () => {
  assert.doesNotThrow(() => parseJson(nested(256)));
  assert.doesNotThrow(() => parseYaml(nested(200)));
  for (const levels of [257, 1_000_000])
    assert.throws(() => parseJson(nested(levels)), { message: /nested more than 256 levels/ });
  for (const levels of [257, 100_000]) assert.throws(() => parseYaml(nested(levels)), { name: 'StatusError' });
});

test('what is no JSON or YAML is the fault of the client', () => {
  assert.throws(() => parseJson('{'), { message: /json parse error/ });
  assert.throws(() => parseYaml('a: [b'), { message: /yaml: / });
});
