import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isolated, spawnInUserNamespace } from '../namespaces.ts';

const MARK = 'OSM_TEST_INSIDE';

/**
 * Runs the tests that `define` registers inside namespaces made for them: the test file is started again there, as the
 * node process is in a cluster. The outer run reports it as one test whose failure holds the inner report.
 */
export function insideNamespaces(file: string, define: () => void): void {
  if (process.env[MARK] === file) {
    define();
    return;
  }
  test('inside namespaces of its own', async () => {
    const child = await spawnInUserNamespace(
      isolated([process.execPath, '--test-reporter=spec', fileURLToPath(file)]),
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { [MARK]: file, NODE_TEST_CONTEXT: '' },
      },
    );
    let report = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        report += chunk.toString('utf8');
      });
    }
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    assert.equal(code, 0, report);
    assert.match(report, /pass [1-9]/);
  });
}
