import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { assertGolden, ENVOY } from '../testing.ts';
import { bootstrapFiles, envoyBootstrap } from './envoy-bootstrap.ts';
import { rewriteProbes } from './probes.ts';
import { readSidecarSettings } from './settings.ts';

const run = promisify(execFile);
const GOLDEN = join(import.meta.dirname, 'testdata', 'bootstrap.golden.json');

const probes = rewriteProbes(
  [
    {
      name: 'web',
      livenessProbe: { httpGet: { path: '/live?deep=1', port: 8080 } },
      readinessProbe: { httpGet: { path: '/ready', port: 8443, scheme: 'HTTPS' } },
    },
    { name: 'api', livenessProbe: { grpc: { port: 9000 } }, readinessProbe: { tcpSocket: { port: 9000 } } },
  ],
  new Set(),
).listeners;

const bootstrap = (settings = readSidecarSettings(undefined)): object =>
  envoyBootstrap({
    nodeId: '11111111-2222-4333-8444-555555555555.sidecar.cart.shop.cluster.local',
    nodeCluster: 'cart.shop',
    meshName: 'osm',
    osmNamespace: 'osm-system',
    trustDomain: 'cluster.local',
    settings,
    probes,
  });

test('the bootstrap is the golden one', () => {
  assertGolden(GOLDEN, `${JSON.stringify(bootstrap(), undefined, 2)}\n`);
});

test('a mesh that allows old TLS still reaches its control plane, which does not', () => {
  const old = {
    ...readSidecarSettings(undefined),
    tlsMinProtocolVersion: 'TLSv1_0',
    tlsMaxProtocolVersion: 'TLSv1_1',
    cipherSuites: ['ECDHE-ECDSA-AES128-GCM-SHA256'],
  };
  const text = JSON.stringify(bootstrap(old));
  assert.match(text, /"tls_minimum_protocol_version":"TLSv1_2","tls_maximum_protocol_version":"TLSv1_3"/);
  assert.match(text, /"cipher_suites":\["ECDHE-ECDSA-AES128-GCM-SHA256"\]/);
});

test('Envoy takes the bootstrap and the secrets beside it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'osm-bootstrap-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = bootstrapFiles(bootstrap(), { chainPem: '', keyPem: '', trustPem: '' }, 'cluster.local');
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content.replaceAll('/etc/envoy', folder));
  }
  const { stderr } = await run(ENVOY, ['--mode', 'validate', '-c', join(folder, 'bootstrap.yaml'), '-l', 'warning']);
  assert.doesNotMatch(stderr, /deprecated/i);
});
