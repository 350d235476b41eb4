import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshOf } from '../testing/mesh.ts';
import {
  meshConfig,
  namespace,
  permissive,
  pod,
  policy,
  service,
  slice,
  trafficTarget,
  workload,
} from '../testing/objects.ts';
import type { MeshObject } from './objects.ts';
import { readSnapshot } from './read.ts';
import type { MeshService } from './snapshot.ts';

const read = (...objects: MeshObject[]) => readSnapshot(meshOf([namespace('shop'), ...objects]));
const ports = (all: readonly MeshService[] | undefined) =>
  all?.map(({ port, targetPort, protocol }) => [port, targetPort, protocol]);

test('only namespaces of this mesh take part, and never that of the control plane', () => {
  const other = namespace('other', { 'openservicemesh.io/monitored-by': 'another-mesh' });
  const snapshot = readSnapshot(
    meshOf([
      namespace('shop'),
      other,
      namespace('plain', {}),
      namespace('osm-system'),
      ...['shop', 'other', 'plain', 'osm-system'].flatMap((name) => workload(`${name}/app`, '10.0.0.1', '10.96.0.1')),
    ]),
  );
  assert.deepEqual([...snapshot.namespaces], ['shop']);
  assert.deepEqual([...snapshot.services.keys()], ['shop/app']);
  assert.deepEqual([...snapshot.workloads.keys()], ['shop/app-1']);
});

test('UDP and SCTP ports and aliases are left out; ports are in order', () => {
  const alias = { ...service('shop/alias', '', [{ port: 1 }]), spec: { type: 'ExternalName', externalName: 'x' } };
  const { services } = read(
    alias,
    service('shop/web', '10.96.0.1', [
      { name: 'tcp-b', port: 90 },
      { name: 'u', port: 53, protocol: 'UDP' },
      { name: 's', port: 54, protocol: 'SCTP' },
      { name: 'a', port: 80, targetPort: 8080, protocol: 'TCP' },
    ]),
  );
  assert.deepEqual([...services.keys()], ['shop/web']);
  assert.deepEqual(ports(services.get('shop/web')), [
    [80, 8080, 'http'],
    [90, 90, 'tcp'],
  ]);
});

test('a named target port is the number that endpoints have by the name of the port', () => {
  const named = service('shop/web', '10.96.0.1', [{ name: 'http', port: 80, targetPort: 'web' }], { app: 'web' });
  const container = { containers: [{ ports: [{ name: 'web', containerPort: 7070 }] }] };
  const backing = pod('shop/web-1', 'web', '10.0.0.1', { app: 'web' }, container);
  assert.deepEqual(ports(read(named).services.get('shop/web')), [[80, 80, 'http']]);
  assert.deepEqual(ports(read(named, backing).services.get('shop/web')), [[80, 7070, 'http']]);
  const places = slice('shop/web', [{ name: 'http', port: 8081 }], [['10.0.0.1', 'web-1']]);
  assert.deepEqual(ports(read(named, backing, places).services.get('shop/web')), [[80, 8081, 'http']]);
});

test('IPv4 is preferred where a service has both families', () => {
  const web = service('shop/web', '10.96.0.1', [{ port: 80 }]);
  const dual = { ...web, spec: { ...(web.spec as object), clusterIPs: ['fd00::1', '10.96.0.1'] } };
  const v4 = slice('shop/web', [{ port: 80 }], [['10.0.0.1', 'web-1']]);
  const v6 = slice('shop/web', [{ port: 80 }], [['fd00::2', 'web-1']], 'v6');
  const backing = pod('shop/web-1', 'web', '10.0.0.1', {});
  const { services, endpoints } = read(dual, v4, v6, backing);
  assert.deepEqual(services.get('shop/web')?.[0]?.addresses, ['10.96.0.1']);
  assert.deepEqual(
    endpoints.get('shop/web|80')?.map(({ address }) => address),
    ['10.0.0.1'],
  );
  const only6 = read({ ...web, spec: { clusterIPs: ['fd00::1'], ports: [{ port: 80 }] } }, v6, backing);
  assert.deepEqual(
    only6.endpoints.get('shop/web|80')?.map(({ address }) => address),
    ['fd00::2'],
  );
});

test('endpoints by their conditions', () => {
  const { endpoints } = read(
    service('shop/web', '10.96.0.1', [{ port: 80 }]),
    slice(
      'shop/web',
      [{ port: 80 }],
      [
        ['10.0.0.1', 'a', {}],
        ['10.0.0.2', 'b', { ready: true }],
        ['10.0.0.3', 'c', { ready: false }],
        ['10.0.0.4', 'd', { ready: false, serving: true, terminating: true }],
        ['10.0.0.5', 'e', { ready: false, serving: false, terminating: true }],
        ['10.0.0.6', 'f', { ready: true, serving: true, terminating: true }],
      ],
    ),
    ...['a', 'b', 'c', 'd', 'e', 'f'].map((name, index) => pod(`shop/${name}`, 'web', `10.0.0.${index + 1}`, {})),
  );
  assert.deepEqual(
    endpoints.get('shop/web|80')?.map(({ address, state }) => [address, state]),
    [
      ['10.0.0.1', 'ready'],
      ['10.0.0.2', 'ready'],
      ['10.0.0.4', 'terminating'],
      ['10.0.0.6', 'terminating'],
    ],
  );
});

test('a service whose endpoints are made by hand: pods of the mesh by address, others are not of the mesh', () => {
  const web = service('shop/web', '10.96.0.1', [{ port: 80 }]);
  const mine = slice('shop/web', [{ port: 80 }], [['10.0.0.1']]);
  const { services, memberships } = read(web, mine, pod('shop/p', 'runner', '10.0.0.1', {}));
  assert.deepEqual(services.get('shop/web')?.[0]?.servers, [{ namespace: 'shop', serviceAccount: 'runner' }]);
  assert.deepEqual(memberships.get('shop/p'), ['shop/web']);
  assert.equal(read(web, mine).services.get('shop/web'), undefined);
});

test('headless services over the same pods: an address belongs to one of them, and to a pod of its own first', () => {
  const backing = [
    pod('shop/db-0', 'db', '10.0.0.1', { app: 'db' }),
    pod('shop/db-1', 'db', '10.0.0.2', { app: 'db' }),
  ];
  const { services } = read(
    ...backing,
    service('shop/db', 'None', [{ port: 80 }], { app: 'db' }),
    service('shop/all', 'None', [{ port: 80 }], { app: 'db' }),
    slice(
      'shop/db',
      [{ port: 80 }],
      [
        ['10.0.0.1', 'db-0', {}, 'db-0'],
        ['10.0.0.2', 'db-1', {}],
      ],
    ),
    slice(
      'shop/all',
      [{ port: 80 }],
      [
        ['10.0.0.1', 'db-0'],
        ['10.0.0.2', 'db-1'],
      ],
    ),
  );
  const addresses = Object.fromEntries([...services].map(([name, [port]]) => [name, port?.addresses]));
  assert.deepEqual(addresses, { 'shop/all': ['10.0.0.2'], 'shop/db': [], 'shop/db-0.db': ['10.0.0.1'] });
});

test('pods that ended do not count, and an empty account is the default one', () => {
  const ended = { ...pod('shop/a', 'web', '10.0.0.1', {}), status: { phase: 'Succeeded' } };
  const { workloads } = read(ended, pod('shop/b', '', '10.0.0.2', { 'osm-proxy-uuid': 'u' }));
  assert.deepEqual([...workloads.keys()], ['shop/b']);
  assert.equal(workloads.get('shop/b')?.identity.serviceAccount, 'default');
  assert.equal(workloads.get('shop/b')?.proxyUuid, 'u');
});

test('a wrong field of MeshConfig has its default, and the others hold', () => {
  const { config, faults } = read(
    meshConfig({
      traffic: { enablePermissiveTrafficPolicyMode: true, outboundPortExclusionList: [0] },
      sidecar: { tlsMinProtocolVersion: 'SSLv3', tlsMaxProtocolVersion: 'TLSv1_2' },
    }),
  );
  assert.equal(config.traffic.enablePermissiveTrafficPolicyMode, true);
  assert.equal(config.sidecar.tlsMinProtocolVersion, 'TLSv1_2');
  assert.equal(config.sidecar.tlsMaxProtocolVersion, 'TLSv1_2');
  assert.deepEqual(faults.map(({ field }) => field).sort(), [
    'spec.sidecar.tlsMinProtocolVersion',
    'spec.traffic.outboundPortExclusionList[0]',
  ]);
});

test('without MeshConfig every feature is off', () => {
  const { config } = read();
  assert.equal(config.traffic.enablePermissiveTrafficPolicyMode, false);
  assert.equal(config.traffic.enableEgress, false);
});

test('a faulty policy is named and left out; its neighbours stay', () => {
  const rules = [{ kind: 'TCPRoute', name: 'r' }];
  const abroad = trafficTarget('abroad', 'shop/web', ['shop/a'], rules);
  const { policies, faults } = read(
    trafficTarget('good', 'shop/web', ['shop/a'], rules),
    trafficTarget('empty', 'shop/web', ['shop/a'], []),
    {
      ...abroad,
      spec: { ...(abroad.spec as object), destination: { kind: 'ServiceAccount', namespace: 'x', name: 'web' } },
    },
    policy('TrafficSplit', 'shop/broken', { backends: 'all' }),
    policy('Egress', 'shop/nothing', null as unknown as object),
  );
  assert.deepEqual([...policies.trafficTargets.keys()], ['shop/good']);
  assert.equal(policies.trafficSplits.size, 0);
  assert.deepEqual(
    faults.map(({ object, field }) => `${object.kind} ${object.name} ${field}`),
    [
      'TrafficTarget abroad spec.destination.namespace',
      'TrafficTarget empty spec.rules',
      'TrafficSplit broken spec.service',
      'TrafficSplit broken spec.backends',
      'Egress nothing spec.sources',
      'Egress nothing spec.ports',
    ],
  );
});

test('nothing changed: the same snapshot; one slice changed: everything else is the same object', () => {
  const objects = meshOf([
    namespace('shop'),
    permissive(),
    ...workload('shop/a', '10.0.0.1', '10.96.0.1'),
    ...workload('shop/b', '10.0.0.2', '10.96.0.2'),
  ]);
  const first = readSnapshot(objects);
  assert.equal(readSnapshot(objects, first), first);
  assert.equal(readSnapshot(structuredClone(objects), first), first);
  const endpointSlices = new Map(objects.endpointSlices);
  endpointSlices.set('shop/a-slice', slice('shop/a', [{ name: 'http', port: 80 }], [['10.0.0.9', 'a-1']]));
  const second = readSnapshot({ ...objects, endpointSlices }, first);
  assert.equal(second.version, first.version + 1);
  const changed = Object.entries(second).filter(([part, value]) => first[part as keyof typeof first] !== value);
  assert.deepEqual(
    changed.map(([part]) => part),
    ['version', 'endpoints'],
  );
  assert.equal(second.endpoints.get('shop/b|80'), first.endpoints.get('shop/b|80'));
});
