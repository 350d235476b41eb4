import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VERSION } from './commands/version.ts';

const OSM = fileURLToPath(new URL('../bin/osm.mjs', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'osm-main-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function osm(args: readonly string[], config = '') {
  const path = join(directory, 'config.yaml');
  writeFileSync(path, config);
  const { status, stdout, stderr } = spawnSync(process.execPath, [OSM, ...args], {
    encoding: 'utf8',
    env: { ...process.env, HOME: directory, OSM_CONFIG: path, KUBECONFIG: join(directory, 'missing') },
  });
  return { status, stdout, stderr };
}

test('output goes to standard output, and the command ends with 0', () => {
  assert.deepEqual(osm(['version', '--client-only', '--version-only']), {
    status: 0,
    stdout: `${VERSION}\n`,
    stderr: '',
  });
});

test('a failure is one line on standard error, and the command ends with 1', () => {
  const { status, stdout, stderr } = osm(['namespace', 'list']);
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^osm: no cluster to talk to: .*set KUBECONFIG to a kubeconfig file.*osm local up.*\n$/);
  assert.match(osm(['namespace', 'list', '--verbose']).stderr, /\n +at /);
});

test('a wrong option is told on standard error, and the command ends with 1', () => {
  const { status, stdout, stderr } = osm(['mesh', 'list', '--nonsense']);
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^error: unknown option '--nonsense'\n/);
});

test('a configuration that is broken is named', () => {
  const { status, stderr } = osm(['version', '--client-only'], 'install: {kind: rented}');
  assert.equal(status, 1);
  assert.match(stderr, /^osm: .*config\.yaml: install\.kind is "rented"/);
});
