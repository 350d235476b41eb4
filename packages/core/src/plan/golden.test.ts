import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { readSnapshot } from '../model/read.ts';
import { parseMesh } from '../testing/mesh.ts';
import { planProxy, policyFaults } from './plan.ts';

const DIRECTORY = join(import.meta.dirname, '../../testdata');

/** Maps are written as mappings, and nothing is shared by anchors: a golden is read by people. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, item: unknown) => (item instanceof Map ? Object.fromEntries(item) : item)));

const files = globSync('*.in.yaml', { cwd: DIRECTORY }).sort();
assert.ok(files.length > 0, 'there are goldens');

for (const file of files) {
  const name = basename(file, '.in.yaml');
  test(`golden plan: ${name}`, () => {
    const { proxy, objects } = parseMesh(readFileSync(join(DIRECTORY, file), 'utf8'));
    const snapshot = readSnapshot(objects);
    const faults = policyFaults(snapshot);
    const result = { plan: planProxy(snapshot, proxy), ...(faults.length > 0 && { faults }) };
    const text = stringify(plain(result), { lineWidth: 0 });
    const golden = join(DIRECTORY, `${name}.plan.yaml`);
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, text);
    assert.equal(text, readFileSync(golden, 'utf8'));
  });
}
