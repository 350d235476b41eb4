import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  any,
  type ClusterJson,
  decode,
  EncodeError,
  encode,
  type ListenerJson,
  type Resource,
  TYPE_URL,
} from './index.ts';

const cluster = (json: object): Resource => ({ typeUrl: TYPE_URL.cluster, name: 'backend', json });

const listener: ListenerJson = {
  name: 'inbound',
  address: { socketAddress: { address: '0.0.0.0', portValue: 15003 } },
  listenerFilters: [
    {
      name: 'envoy.filters.listener.original_dst',
      typedConfig: any('envoy.extensions.filters.listener.original_dst.v3.OriginalDst', {}),
    },
  ],
  filterChains: [
    {
      filterChainMatch: { destinationPort: 8080, transportProtocol: 'tls' },
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typedConfig: any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
            statPrefix: 'inbound',
            rds: { routeConfigName: 'inbound', configSource: { ads: {}, resourceApiVersion: 'V3' } },
            // Three deep: HTTP connection manager, matching, filter.
            httpFilters: [
              {
                name: 'rbac',
                typedConfig: any('envoy.extensions.common.matching.v3.ExtensionWithMatcher', {
                  extensionConfig: {
                    name: 'rbac',
                    typedConfig: any('envoy.extensions.filters.http.rbac.v3.RBAC', {
                      rules: {
                        action: 'DENY',
                        policies: { all: { permissions: [{ any: true }], principals: [{ any: true }] } },
                      },
                    }),
                  },
                }),
              },
              { name: 'router', typedConfig: any('envoy.extensions.filters.http.router.v3.Router', {}) },
            ],
          }),
        },
      ],
    },
  ],
};

const backend: ClusterJson = {
  name: 'backend',
  type: 'EDS',
  edsClusterConfig: { edsConfig: { ads: {}, resourceApiVersion: 'V3' } },
  connectTimeout: '1s',
  circuitBreakers: { thresholds: [{ maxConnections: 100 }] },
  metadata: { filterMetadata: { mesh: { service: 'backend', weights: [1, 2.5] } } },
  typedExtensionProtocolOptions: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any(
      'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      { explicitHttpConfig: { http2ProtocolOptions: {} } },
    ),
  },
};

const resources: readonly Resource[] = [
  { typeUrl: TYPE_URL.listener, name: 'inbound', json: listener },
  { typeUrl: TYPE_URL.cluster, name: 'backend', json: backend },
  {
    typeUrl: TYPE_URL.endpoint,
    name: 'backend',
    json: {
      clusterName: 'backend',
      endpoints: [
        {
          locality: { zone: 'a' },
          lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '10.1.2.3', portValue: 80 } } } }],
        },
      ],
    },
  },
  {
    typeUrl: TYPE_URL.route,
    name: 'inbound',
    json: {
      name: 'inbound',
      virtualHosts: [
        {
          name: 'backend',
          domains: ['*'],
          routes: [
            {
              match: { safeRegex: undefined, prefix: '/' },
              route: { weightedClusters: { clusters: [{ name: 'backend', weight: 100 }] }, timeout: '0.250s' },
            },
          ],
          typedPerFilterConfig: { wrapped: any('google.protobuf.UInt32Value', 7) },
        },
      ],
    },
  },
  {
    typeUrl: TYPE_URL.secret,
    name: 'root',
    json: { name: 'root', validationContext: { trustedCa: { inlineString: 'PEM' } } },
  },
];

for (const resource of resources) {
  test(`${resource.typeUrl.split('.').at(-1)} comes back as it was given`, () => {
    assert.deepEqual(decode(encode(resource)), JSON.parse(JSON.stringify(resource.json)));
  });
}

/** The same JSON with the keys of every object the other way round. */
function reversed(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(reversed);
  if (typeof json !== 'object' || json === null) return json;
  const entries = Object.entries(json).reverse();
  return Object.fromEntries(entries.map(([key, value]) => [key, reversed(value)]));
}

test('the order of keys changes neither bytes nor version', () => {
  const many = { filterMetadata: { b: { y: 1, x: 2 }, a: { '10': 1, '9': 2 } } };
  for (const { json, ...rest } of [...resources, cluster({ ...backend, metadata: many })]) {
    const one = encode({ ...rest, json });
    const other = encode({ ...rest, json: reversed(json) as object });
    assert.deepEqual(other, one);
    assert.match(one.version, /^[0-9a-f]{16}$/);
  }
});

test('different content has a different version, and proto names are taken for JSON names', () => {
  const one = encode(cluster({ name: 'backend', connectTimeout: '1s' }));
  assert.notEqual(encode(cluster({ name: 'backend', connectTimeout: '2s' })).version, one.version);
  assert.equal(encode(cluster({ name: 'backend', connect_timeout: '1.0s' })).version, one.version);
});

const tls = (context: object): object => ({
  transportSocket: {
    name: 'tls',
    typedConfig: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      ...context,
    },
  },
});

const mistakes: readonly (readonly [string, object, string, RegExp])[] = [
  ['an unknown field', { nmae: 'x' }, 'nmae', /no such field/],
  [
    'an unknown field in an Any',
    tls({ commonTlsContext: { tlsCertificateSdsSecretConfigs: [{}, { nam: 'x' }] } }),
    'transportSocket.typedConfig.commonTlsContext.tlsCertificateSdsSecretConfigs[1].nam',
    /SdsSecretConfig has no such field/,
  ],
  [
    'an unknown type',
    { typedExtensionProtocolOptions: { 'a.b': { '@type': 'type.googleapis.com/no.Such' } } },
    'typedExtensionProtocolOptions["a.b"].@type',
    /no\.Such is not a generated type/,
  ],
  ['an Any without type', { transportSocket: { typedConfig: { sni: 'x' } } }, 'transportSocket.typedConfig', /missing/],
  ['a wrong enum value', { lbPolicy: 'ROUND_RONIN' }, 'lbPolicy', /LbPolicy: "ROUND_RONIN"/],
  ['a wrong scalar', { name: 3 }, 'name', /valid string: number/],
  [
    'a wrong scalar in a list',
    tls({ commonTlsContext: { alpnProtocols: ['h2', 1] } }),
    'transportSocket.typedConfig.commonTlsContext.alpnProtocols[1]',
    /valid string/,
  ],
  ['a wrong duration', { connectTimeout: '1 s' }, 'connectTimeout', /Duration/],
  ['a wrong wrapper', { perConnectionBufferLimitBytes: -1 }, 'perConnectionBufferLimitBytes', /UInt32Value/],
  ['a list for an object', { edsClusterConfig: [] }, 'edsClusterConfig', /an object, got a list/],
  ['an object for a list', { healthChecks: {} }, 'healthChecks', /a list, got object/],
  ['two of a oneof', { type: 'EDS', clusterType: {} }, 'clusterType', /beside type/],
  ['a field twice', { connectTimeout: '1s', connect_timeout: '1s' }, 'connect_timeout', /twice/],
];

for (const [what, json, path, reason] of mistakes) {
  test(`${what} is refused with its path`, () => {
    assert.throws(
      () => encode(cluster(json)),
      (error) => {
        assert.ok(error instanceof EncodeError);
        assert.equal(error.typeName, 'envoy.config.cluster.v3.Cluster');
        assert.equal(error.resource, 'backend');
        assert.equal(error.path, path);
        assert.match(error.message, reason);
        assert.ok(error.message.startsWith('envoy.config.cluster.v3.Cluster "backend": '));
        return true;
      },
    );
  });
}

test('endless nesting is refused', () => {
  let json: object = {};
  for (let level = 0; level < 100_000; level++) json = { filterMetadata: json };
  assert.throws(() => encode(cluster({ metadata: json })), /nested too deeply/);
});

test('errors do not show what may be a key', () => {
  const json = { tlsCertificate: { privateKey: { inlineBytes: '*** not base64 ***' } } };
  assert.throws(
    () => encode({ typeUrl: TYPE_URL.secret, name: 'own', json }),
    (error) => {
      assert.match(String(error), /tlsCertificate\.privateKey\.inlineBytes: not a valid bytes/);
      assert.doesNotMatch(String(error), /base64/);
      return true;
    },
  );
});

test('bytes that are no message are refused', () => {
  const encoded = { ...encode(cluster({ name: 'backend' })), bytes: new Uint8Array([0xff]) };
  assert.throws(() => decode(encoded), /Cluster "backend": cannot be decoded/);
});

test('an Any is typed by its message name', () => {
  const router = any('envoy.extensions.filters.http.router.v3.Router', { suppressEnvoyHeaders: true });
  assert.deepEqual(router, {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
    suppressEnvoyHeaders: true,
  });
  // @ts-expect-error: a Router has no such field.
  const misspelt = any('envoy.extensions.filters.http.router.v3.Router', { supressEnvoyHeaders: true });
  const json = { typedExtensionProtocolOptions: { router: misspelt } };
  assert.throws(() => encode(cluster(json)), /\["router"\]\.supressEnvoyHeaders: .*Router has no such field/);
});
