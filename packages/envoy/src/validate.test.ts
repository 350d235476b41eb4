import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { envoyBinary, validateBootstrap, validateResources } from './binary.ts';
import {
  any,
  type BootstrapJson,
  type ClusterJson,
  EncodeError,
  type ListenerJson,
  type Resource,
  type RouteConfigurationJson,
  type SecretJson,
  staticBootstrap,
  TYPE_URL,
} from './index.ts';

const ads = { ads: {}, resourceApiVersion: 'V3' } as const;
const rootPem = readFileSync(join(import.meta.dirname, 'testdata/root.pem'), 'utf8');

const cluster: ClusterJson = {
  name: 'backend',
  type: 'EDS',
  edsClusterConfig: { edsConfig: ads },
  connectTimeout: '1s',
  transportSocket: {
    name: 'envoy.transport_sockets.tls',
    typedConfig: any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
      sni: 'backend',
      commonTlsContext: {
        tlsCertificateSdsSecretConfigs: [{ name: 'own', sdsConfig: ads }],
        validationContextSdsSecretConfig: { name: 'root', sdsConfig: ads },
      },
    }),
  },
};

const listener: ListenerJson = {
  name: 'outbound',
  address: { socketAddress: { address: '127.0.0.1', portValue: 15001 } },
  filterChains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typedConfig: any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
            statPrefix: 'outbound',
            rds: { routeConfigName: 'outbound', configSource: ads },
            httpFilters: [
              {
                name: 'envoy.filters.http.router',
                typedConfig: any('envoy.extensions.filters.http.router.v3.Router', {}),
              },
            ],
          }),
        },
      ],
    },
  ],
};

const routesTo = (name: string): RouteConfigurationJson => ({
  name: 'outbound',
  virtualHosts: [{ name: 'backend', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: name } }] }],
});

const rootSecret = (pem: string): SecretJson => ({
  name: 'root',
  validationContext: { trustedCa: { inlineString: pem } },
});

const endpointsAt = (address: string): object => ({
  clusterName: 'backend',
  endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address, portValue: 8080 } } } }] }],
});

/** A listener, its routes, their cluster, its endpoints and the root it trusts, some of them replaced. */
function mesh(replaced: { route?: object; endpoint?: object; secret?: object } = {}): readonly Resource[] {
  return [
    { typeUrl: TYPE_URL.listener, name: 'outbound', json: listener },
    { typeUrl: TYPE_URL.route, name: 'outbound', json: replaced.route ?? routesTo('backend') },
    { typeUrl: TYPE_URL.cluster, name: 'backend', json: cluster },
    { typeUrl: TYPE_URL.endpoint, name: 'backend', json: replaced.endpoint ?? endpointsAt('10.0.0.1') },
    { typeUrl: TYPE_URL.secret, name: 'root', json: replaced.secret ?? rootSecret(rootPem) },
  ];
}

test('Envoy takes a bootstrap with a listener and a cluster', async () => {
  const bootstrap: BootstrapJson = {
    staticResources: {
      listeners: [
        {
          name: 'tcp',
          address: { socketAddress: { address: '127.0.0.1', portValue: 15001 } },
          filterChains: [
            {
              filters: [
                {
                  name: 'envoy.filters.network.tcp_proxy',
                  typedConfig: any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
                    statPrefix: 'tcp',
                    cluster: 'backend',
                  }),
                },
              ],
            },
          ],
        },
      ],
      clusters: [{ name: 'backend', connectTimeout: '1s' }],
    },
  };
  assert.deepEqual(await validateBootstrap(bootstrap), { ok: true, output: '' });
});

test('Envoy refuses a bootstrap and says why', async () => {
  const verdict = await validateBootstrap({ staticResources: { clusters: [{ connectTimeout: '1s' }] } });
  assert.equal(verdict.ok, false);
  assert.match(verdict.output, /Cluster.*\n?.*Name.*at least 1 char/i);
  assert.doesNotMatch(verdict.output, /envoy-validate-/);
});

test('Envoy takes resources that belong together', async () => {
  assert.deepEqual(await validateResources(mesh(), { checkRouteClusters: true }), { ok: true, output: '' });
});

test('routes, endpoints and secrets are put where they are referred to', () => {
  const { listeners = [], clusters = [], secrets = [] } = staticBootstrap(mesh()).staticResources ?? {};
  assert.equal(listeners.length, 1);
  assert.match(JSON.stringify(listeners[0]), /"routeConfig":/);
  assert.doesNotMatch(JSON.stringify(listeners[0]), /"rds":/);
  assert.equal(clusters.length, 2);
  assert.equal(clusters[0]?.loadAssignment?.clusterName, 'backend');
  assert.equal(clusters[0]?.type, undefined);
  const tls = JSON.stringify(clusters[0]?.transportSocket);
  assert.match(tls, /"validationContextSdsSecretConfig":\{"name":"root"\}/);
  assert.match(tls, /\{"name":"own","sdsConfig":\{"resourceApiVersion":"V3","apiConfigSource":/);
  assert.deepEqual(secrets, [rootSecret(rootPem)]);
});

const broken: readonly (readonly [string, Parameters<typeof mesh>[0], RegExp])[] = [
  ['a virtual host without domains', { route: { ...routesTo('backend'), virtualHosts: [{ name: 'x' }] } }, /domains/i],
  ['endpoints that have no address', { endpoint: endpointsAt('not-an-address') }, /not-an-address|malformed/i],
];

for (const [what, replaced, reason] of broken) {
  test(`Envoy refuses ${what}`, async () => {
    const verdict = await validateResources(mesh(replaced));
    assert.equal(verdict.ok, false);
    assert.match(verdict.output, reason);
  });
}

test('Envoy refuses a root that is no certificate, once no secret of the cluster is missing', async () => {
  const onlyRoot: ClusterJson = {
    ...cluster,
    transportSocket: {
      name: 'envoy.transport_sockets.tls',
      typedConfig: any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
        commonTlsContext: { validationContextSdsSecretConfig: { name: 'root', sdsConfig: ads } },
      }),
    },
  };
  const judge = (pem: string) =>
    validateResources([
      { typeUrl: TYPE_URL.cluster, name: 'backend', json: onlyRoot },
      { typeUrl: TYPE_URL.secret, name: 'root', json: rootSecret(pem) },
    ]);
  assert.deepEqual(await judge(rootPem), { ok: true, output: '' });
  const verdict = await judge('no certificate');
  assert.equal(verdict.ok, false);
  assert.match(verdict.output, /certificate/i);
});

test('a route to a missing cluster is refused only when that is asked for', async () => {
  const resources = mesh({ route: routesTo('nowhere') });
  assert.equal((await validateResources(resources)).ok, true);
  const verdict = await validateResources(resources, { checkRouteClusters: true });
  assert.equal(verdict.ok, false);
  assert.match(verdict.output, /nowhere/);
});

test('routes and endpoints that nothing refers to are judged too', async () => {
  const alone = mesh().filter(({ typeUrl }) => typeUrl === TYPE_URL.route || typeUrl === TYPE_URL.endpoint);
  assert.deepEqual(await validateResources(alone), { ok: true, output: '' });
  const route = { name: 'outbound', virtualHosts: [{ name: 'x' }] };
  assert.equal((await validateResources([{ typeUrl: TYPE_URL.route, name: 'outbound', json: route }])).ok, false);
});

test('what is no resource does not reach Envoy', async () => {
  await assert.rejects(validateResources(mesh({ route: { nmae: 'x' } })), EncodeError);
});

const folder = mkdtempSync(join(tmpdir(), 'envoy-binary-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('ENVOY_PATH goes before PATH, and must be an executable', () => {
  const onPath = join(folder, 'envoy');
  writeFileSync(onPath, '');
  chmodSync(onPath, 0o755);
  assert.equal(envoyBinary({ PATH: `/nonexistent:${folder}` }), onPath);
  assert.equal(envoyBinary({ PATH: folder, ENVOY_PATH: process.execPath }), process.execPath);
  assert.throws(() => envoyBinary({ PATH: folder, ENVOY_PATH: folder }), /ENVOY_PATH is .* no executable/);
});
