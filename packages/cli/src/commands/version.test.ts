import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '@osm/kube';
import { CliError } from '../cli-error.ts';
import { runCommandLine } from '../testing/command-line.ts';
import { createMemoryClient } from '../testing/memory-client.ts';
import { mesh } from '../testing/objects.ts';
import { VERSION } from './version.ts';

const objects = [mesh('osm', 'osm-system', { version: '1.2.4' })];

test('versions of the command and of each mesh', async () => {
  const { output } = await runCommandLine('version', { cluster: createMemoryClient({ objects }) });
  assert.equal(
    output,
    `NAME                 NAMESPACE    VERSION
osm (this command)   -            ${VERSION}
osm                  osm-system   1.2.4
`,
  );
  const bare = await runCommandLine('version --version-only', { cluster: createMemoryClient({ objects }) });
  assert.equal(bare.output, `${VERSION}\n1.2.4\n`);
});

test('of the command only, no cluster is asked', async () => {
  const connect = () => assert.fail('a cluster was asked');
  const { output, error } = await runCommandLine('version --client-only --version-only', { connect });
  assert.equal(error, undefined);
  assert.equal(output, `${VERSION}\n`);
});

test('without a cluster, or with one that does not answer, the way out is named', async () => {
  const none = await runCommandLine('version', {
    connect: () => {
      throw new CliError('no cluster to talk to: KUBECONFIG names nothing');
    },
  });
  assert.match(none.error ?? '', /no cluster to talk to.*osm version --client-only/);
  const cluster = createMemoryClient();
  cluster.breakDown(new ApiError(0, 'Unreachable', 'cannot reach the API server at https://127.0.0.1:1'));
  const gone = await runCommandLine('version', { cluster });
  assert.match(gone.error ?? '', /cannot reach the API server.*osm version --client-only/);
  assert.ok(cluster.closed());
});
