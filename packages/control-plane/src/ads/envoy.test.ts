import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type EncodedResource, encode, TYPE_URL } from '@osm/envoy';
import type { Certificate } from '@osm/pki';
import { createAdsServer } from './server.ts';
import { createTestAuthority, recordEvents, resourceSet } from './testing.ts';
import { type EnvoyProcess, startEnvoy, until } from './testing-envoy.ts';
import type { AdsServer } from './types.ts';

const ADS = { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '15s' };

const cluster = (name: string, connectTimeout = '1s'): EncodedResource =>
  encode({
    typeUrl: TYPE_URL.cluster,
    name,
    json: { name, type: 'EDS', connectTimeout, edsClusterConfig: { edsConfig: ADS } },
  });

const endpoints = (name: string, port: number): EncodedResource =>
  encode({
    typeUrl: TYPE_URL.endpoint,
    name,
    json: {
      clusterName: name,
      endpoints: [
        { lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } }] },
      ],
    },
  });

const route = (name: string, toCluster: string): EncodedResource =>
  encode({
    typeUrl: TYPE_URL.route,
    name,
    json: {
      name,
      virtualHosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: toCluster } }] },
      ],
    },
  });

/** A listener for mutual TLS with secrets and routes by ADS. */
const listener = (
  name: string,
  routeName: string,
  options: { prefix?: string; address?: string } = {},
): EncodedResource =>
  encode({
    typeUrl: TYPE_URL.listener,
    name,
    json: {
      name,
      address: { socketAddress: { address: options.address ?? '127.0.0.1', portValue: 0 } },
      filterChains: [
        {
          transportSocket: {
            name: 'envoy.transport_sockets.tls',
            typedConfig: {
              '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
              requireClientCertificate: true,
              commonTlsContext: {
                tlsCertificateSdsSecretConfigs: [{ name: 'cert', sdsConfig: ADS }],
                validationContextSdsSecretConfig: { name: 'roots', sdsConfig: ADS },
              },
            },
          },
          filters: [
            {
              name: 'envoy.filters.network.http_connection_manager',
              typedConfig: {
                '@type':
                  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
                statPrefix: options.prefix ?? name,
                rds: { routeConfigName: routeName, configSource: ADS },
                httpFilters: [
                  {
                    name: 'envoy.filters.http.router',
                    typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
                  },
                ],
              },
            },
          ],
        },
      ],
    },
  });

const secrets = (identity: Certificate): EncodedResource[] => [
  encode({
    typeUrl: TYPE_URL.secret,
    name: 'cert',
    json: {
      name: 'cert',
      tlsCertificate: {
        certificateChain: { inlineString: identity.chainPem },
        privateKey: { inlineString: identity.keyPem },
      },
    },
  }),
  encode({
    typeUrl: TYPE_URL.secret,
    name: 'roots',
    json: { name: 'roots', validationContext: { trustedCa: { inlineString: identity.trustPem } } },
  }),
];

/** An upstream that says its name. */
async function upstream(t: TestContext, name: string): Promise<number> {
  const server = createServer((_request, response) => response.end(name)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function portOf(envoy: EnvoyProcess, name: string): Promise<number | undefined> {
  const { listener_statuses: all = [] } = JSON.parse(await envoy.admin('/listeners?format=json')) as {
    listener_statuses?: { name: string; local_address: { socket_address: { port_value: number } } }[];
  };
  return all.find((one) => one.name === name)?.local_address.socket_address.port_value;
}

/** Calls through a listener of Envoy with a workload's certificate; `status body`. */
function call(port: number, identity: Certificate): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        agent: false,
        cert: identity.chainPem,
        key: identity.keyPem,
        ca: identity.trustPem,
        servername: 'cart.shop.test',
        timeout: 2000,
      },
      (response) => {
        let body = '';
        response.on('data', (part: Buffer) => {
          body += part.toString();
        });
        response.on('end', () => resolve(`${response.statusCode} ${body}`));
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end();
  });
}

/** A discovery server with a real Envoy on it, served with `resources` from its first request on. */
async function setUp(t: TestContext, apiType: 'DELTA_GRPC' | 'GRPC') {
  const authority = await createTestAuthority();
  const identity = await authority.issuer.issue({
    commonName: 'cart.shop.test',
    dnsNames: ['cart.shop.test'],
    validitySeconds: 3600,
  });
  const events = recordEvents();
  const known = { resources: resourceSet(), ads: undefined as AdsServer | undefined };
  const serve = async (port: number): Promise<number> => {
    const ads = createAdsServer({
      certificate: authority.server,
      events: {
        ...events,
        connected(proxy) {
          events.connected(proxy);
          ads.setResources(proxy.connectionId, known.resources);
        },
      },
    });
    known.ads = ads;
    return ads.listen('127.0.0.1', port);
  };
  const give = (...resources: EncodedResource[]): void => {
    known.resources = resourceSet(...resources);
    for (const id of events.proxies.keys()) known.ads?.setResources(id, known.resources);
  };
  const adsPort = await serve(0);
  t.after(() => known.ads?.close());
  const start = async (): Promise<EnvoyProcess> => {
    const envoy = await startEnvoy({ adsPort, identity: await authority.proxy(), apiType });
    t.after(() => envoy.stop());
    return envoy;
  };
  const answers = async (envoy: EnvoyProcess, name: string, expected: string): Promise<void> => {
    await until(`${expected} through ${name}`, async () => {
      const port = await portOf(envoy, name);
      const answer = port === undefined ? 'no listener' : await call(port, identity);
      if (answer !== expected) throw new Error(answer);
      return true;
    });
  };
  return { identity, events, give, start, answers, adsPort, serve, close: async () => known.ads?.close() };
}

for (const apiType of ['DELTA_GRPC', 'GRPC'] as const) {
  test(`the real Envoy is served and updated (${apiType})`, { timeout: 60_000 }, async (t) => {
    const { identity, give, start, answers } = await setUp(t, apiType);
    const [one, two] = [await upstream(t, 'one'), await upstream(t, 'two')];
    const rest = [listener('in', 'routes'), ...secrets(identity)];
    give(cluster('a'), endpoints('a', one), route('routes', 'a'), ...rest);
    const envoy = await start();
    await answers(envoy, 'in', '200 one');
    const dump = await envoy.admin('/config_dump?include_eds');
    for (const kind of ['Clusters', 'Listeners', 'Routes', 'Secrets', 'Endpoints']) {
      assert.match(dump, new RegExp(`envoy\\.admin\\.v3\\.${kind}ConfigDump`), `${kind} in the dump`);
    }

    give(cluster('a'), endpoints('a', two), route('routes', 'a'), ...rest);
    await answers(envoy, 'in', '200 two');

    // An updated cluster must not wait for endpoints that nobody sends again.
    const before = Date.now();
    give(cluster('a', '2s'), endpoints('a', two), route('routes', 'a'), ...rest);
    await until(
      'the updated cluster',
      async () =>
        /"connect_timeout": "2s"/.test(await envoy.admin('/config_dump?resource=dynamic_active_clusters')) || undefined,
    );
    assert.ok(Date.now() - before < 5000, `the cluster was warm after ${Date.now() - before} ms`);

    give(cluster('a', '2s'), endpoints('a', two), cluster('b'), endpoints('b', one), route('routes', 'b'), ...rest);
    await answers(envoy, 'in', '200 one');
    give(cluster('b'), endpoints('b', one), route('routes', 'b'), ...rest);
    await until('the removal', async () => (await envoy.admin('/clusters')).includes('a::') === false || undefined);
    await answers(envoy, 'in', '200 one');
    assert.equal(await envoy.stat('http.in.downstream_rq_5xx'), 0);
  });

  test(`a listener that Envoy refuses leaves the others in force (${apiType})`, { timeout: 60_000 }, async (t) => {
    const { identity, events, give, start, answers } = await setUp(t, apiType);
    const one = await upstream(t, 'one');
    const rest = [cluster('a'), endpoints('a', one), route('routes', 'a'), ...secrets(identity)];
    give(...rest, listener('good', 'routes'));
    const envoy = await start();
    await answers(envoy, 'good', '200 one');
    const bad = listener('bad', 'routes', { address: 'not an address' });
    give(...rest, bad, listener('good', 'routes', { prefix: 'changed' }), listener('more', 'routes'));
    await answers(envoy, 'more', '200 one');
    await answers(envoy, 'good', '200 one');
    await until('the NACK', async () => events.lines.find((line) => line.startsWith('nacked')));
    const nacks = events.lines.filter((line) => line.startsWith('nacked'));
    assert.equal(nacks.length, 1);
    assert.match(nacks[0] ?? '', new RegExp(`^nacked Listener bad@${bad.version}: .*not an address`));
    assert.match(await envoy.admin('/config_dump'), /"stat_prefix": "changed"/);

    give(...rest, listener('bad', 'routes'), listener('good', 'routes'), listener('more', 'routes'));
    await answers(envoy, 'bad', '200 one');
  });
}

test('a restarted server resends nothing that Envoy has', { timeout: 60_000 }, async (t) => {
  const { identity, events, give, start, answers, adsPort, serve, close } = await setUp(t, 'DELTA_GRPC');
  const [one, two] = [await upstream(t, 'one'), await upstream(t, 'two')];
  const rest = [cluster('a'), route('routes', 'a'), listener('in', 'routes'), ...secrets(identity)];
  give(...rest, endpoints('a', one));
  const envoy = await start();
  await answers(envoy, 'in', '200 one');
  const UPDATES = [
    'cluster_manager.cds.update_success',
    'listener_manager.lds.update_success',
    'http.in.rds.routes.update_success',
    'sds.cert.update_success',
    'sds.roots.update_success',
    'cluster.a.update_success',
  ];
  const counts = async (): Promise<number[]> => Promise.all(UPDATES.map((name) => envoy.stat(name)));
  const before = await counts();
  assert.ok(
    before.every((count) => count > 0),
    `every type was counted: ${before}`,
  );
  await close();
  events.lines.length = 0;
  await serve(adsPort);
  const told = (type: string) => events.lines.some((line) => line.startsWith(`acked ${type} `));
  await until(
    'the reconnection',
    async () =>
      ['Cluster', 'ClusterLoadAssignment', 'Listener', 'RouteConfiguration', 'Secret'].every(told) || undefined,
  );
  give(...rest, endpoints('a', two));
  await answers(envoy, 'in', '200 two');
  // The one change is all that Envoy got: what came before it on the stream would have been counted before it.
  const after = await counts();
  assert.deepEqual(
    after.map((count, i) => count - (before[i] ?? 0)),
    [0, 0, 0, 0, 0, 1],
  );
});
