import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { any, encode, type Resource, TYPE_URL } from './index.ts';

/** Milliseconds of processor time, which other programs on the machine do not lengthen; the best of some runs. */
function best(runs: number, work: () => void): number {
  const times = Array.from({ length: runs }, () => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}

const cluster = (index: number): Resource => ({
  typeUrl: TYPE_URL.cluster,
  name: `shop/backend-${index}|8080`,
  json: {
    name: `shop/backend-${index}|8080`,
    type: 'EDS',
    edsClusterConfig: { edsConfig: { ads: {}, resourceApiVersion: 'V3' } },
    connectTimeout: '1s',
    circuitBreakers: { thresholds: [{ maxConnections: 1000, maxRequests: 100 }] },
    outlierDetection: { consecutive5xx: 5, interval: '10s' },
    transportSocket: {
      name: 'envoy.transport_sockets.tls',
      typedConfig: any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
        sni: `backend-${index}.shop.svc.cluster.local`,
        commonTlsContext: {
          alpnProtocols: ['osm'],
          tlsCertificateSdsSecretConfigs: [{ name: 'own', sdsConfig: { ads: {}, resourceApiVersion: 'V3' } }],
          validationContextSdsSecretConfig: { name: 'root', sdsConfig: { ads: {}, resourceApiVersion: 'V3' } },
        },
      }),
    },
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any(
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        { explicitHttpConfig: { http2ProtocolOptions: {} } },
      ),
    },
  },
});

test('a thousand clusters are encoded within 100 ms', () => {
  const clusters = Array.from({ length: 1000 }, (_, index) => cluster(index));
  const time = best(5, () => {
    for (const each of clusters) encode(each);
  });
  assert.ok(time <= 100, `${time} ms`);
});

test('the package is loaded within 200 ms', () => {
  const entry = JSON.stringify(join(import.meta.dirname, 'index.ts'));
  const program = `const start = process.cpuUsage(); await import(${entry});
    const { user } = process.cpuUsage(start); console.log(user / 1000);`;
  const load = (): number => Number(execFileSync(process.execPath, ['--input-type=module', '-e', program]));
  const time = Math.min(...Array.from({ length: 5 }, load));
  assert.ok(time > 0 && time <= 200, `${time} ms`);
});
