import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BoundedLog } from './bounded-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'osm-log-'));
after(() => rmSync(directory, { recursive: true }));

test('a log never holds more than two files of its bound, and the newest lines', () => {
  const path = join(directory, 'x.log');
  const log = new BoundedLog(path, 1000);
  for (let n = 0; n < 1000; n += 1) log.write(`line ${n}\n`);
  assert.deepEqual(readdirSync(directory).sort(), ['x.log', 'x.log.1']);
  for (const file of readdirSync(directory)) assert.ok(statSync(join(directory, file)).size <= 1010);
  assert.match(readFileSync(path, 'utf8'), /line 999\n$/);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a full disk loses lines, nothing else', () => {
  new BoundedLog('/dev/full', 1000).write('lost\n');
});
