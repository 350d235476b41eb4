import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const INSIDE = 'OSM_TEST_NAMESPACE';
const REST = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];

/**
 * Runs the tests that `define` declares in user, network, mount and PID namespaces of their own, as root there: the file
 * is run once more under unshare(1). Works for root and for an ordinary user with subordinate ids alike.
 */
export function inNamespace(moduleUrl: string, define: () => void): void {
  if (process.env[INSIDE]) {
    define();
    return;
  }
  const file = fileURLToPath(moduleUrl);
  test(`in its own namespaces: ${file.replace(/^.*\/src\//, '')}`, async () => {
    const { code, output } = await runInside([process.execPath, '--test-reporter=spec', file]);
    if (code !== 0) console.error(output);
    else console.log(output);
    assert.equal(code, 0, 'the tests inside the namespaces failed; their report is above');
  });
}

async function runInside(command: readonly string[]): Promise<{ code: number | null; output: string }> {
  const isRoot = process.getuid?.() === 0;
  const prefix = isRoot
    ? ['--user', '/bin/sh', '-c', `read _ && exec unshare ${REST.join(' ')} -- "$@"`, 'sh']
    : ['--user', '--map-root-user', '--map-auto', ...REST, '--'];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn('unshare', [...prefix, ...command], {
    env: { ...env, [INSIDE]: '1' },
    stdio: [isRoot ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (isRoot && child.pid !== undefined) {
    // Root has no subordinate ids to map by newuidmap: it maps the ids a pod may use onto themselves.
    const own = readlinkSync('/proc/self/ns/user');
    while (readlinkSync(`/proc/${child.pid}/ns/user`) === own) await new Promise((resolve) => setImmediate(resolve));
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${map}`, '0 0 65536');
    child.stdin?.end('\n');
  }
  return { code: await closed, output };
}
