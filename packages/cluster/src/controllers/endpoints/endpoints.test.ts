import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointSlice, Endpoints } from '../objects.ts';
import { node, pod, service } from '../testing/objects.ts';
import { mirroredGroups, wantsMirror } from './mirrored.ts';
import { planSlices, SLICE_LIMIT, type SliceFacts } from './plan-slices.ts';
import { serviceEndpoints, targetPort } from './service-endpoints.ts';
import { subsetsOf } from './subsets.ts';

const zoned = node('n1', { labels: { 'topology.kubernetes.io/zone': 'z1' } });
const of = (subject: ReturnType<typeof service>, ...pods: readonly ReturnType<typeof pod>[]) =>
  serviceEndpoints(subject, pods, (name) => (name === 'n1' ? zoned : undefined));

describe('endpoints of a service', () => {
  it('tells ready, serving and terminating apart', () => {
    const cases: readonly [
      name: string,
      traits: object,
      publish: boolean,
      ready: boolean,
      serving: boolean,
      terminating: boolean,
    ][] = [
      ['ready', {}, false, true, true, false],
      ['not ready', { ready: false }, false, false, false, false],
      ['going, still serving', { terminating: true }, false, false, true, true],
      ['going, not serving', { terminating: true, ready: false }, false, false, false, true],
      ['not ready but published', { ready: false }, true, true, false, false],
    ];
    for (const [name, traits, publishNotReadyAddresses, ready, serving, terminating] of cases) {
      const [group] = of(service({ publishNotReadyAddresses }), pod(traits));
      assert.deepEqual(group?.endpoints[0]?.conditions, { ready, serving, terminating }, name);
    }
  });

  it('leaves out pods without an address and pods that have ended', () => {
    assert.deepEqual(of(service(), pod({ ip: '' }), pod({ phase: 'Succeeded' }), pod({ phase: 'Failed' })), []);
  });

  it('says where a pod is and which it is', () => {
    const [group] = of(service(), pod({ name: 'p', ip: '10.0.0.1' }));
    assert.deepEqual(group?.endpoints, [
      {
        addresses: ['10.0.0.1'],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: 'n1',
        zone: 'z1',
        targetRef: { kind: 'Pod', namespace: 'default', name: 'p', uid: 'pod-uid-p' },
      },
    ]);
  });

  it('gives a host name only to pods of this headless name', () => {
    const named = pod({ spec: { hostname: 'db-0', subdomain: 'web' } });
    const other = pod({ spec: { hostname: 'db-1', subdomain: 'another' } });
    const [group] = of(service({ clusterIP: 'None' }), named, other);
    assert.deepEqual(
      group?.endpoints.map(({ hostname }) => hostname),
      ['db-0', undefined],
    );
  });

  it('resolves named ports per pod, in sidecars too, and groups pods by what they resolve to', () => {
    const listens = (containerPort: number) =>
      pod({ spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort }] }] } });
    const sidecar = pod({
      spec: {
        containers: [{ name: 'main' }],
        initContainers: [
          { name: 'proxy', restartPolicy: 'Always', ports: [{ name: 'http', containerPort: 15001 }] },
          { name: 'init', ports: [{ name: 'http', containerPort: 1 }] },
        ],
      },
    });
    const subject = service({ ports: [{ name: 'web', port: 80, targetPort: 'http', appProtocol: 'http' }] });
    const groups = of(subject, listens(8080), listens(9090), listens(8080), sidecar, pod());
    assert.deepEqual(
      groups.map(({ ports, endpoints }) => [ports[0]?.port, ports[0]?.appProtocol, endpoints.length]),
      [
        [8080, 'http', 2],
        [9090, 'http', 1],
        [15001, 'http', 1],
      ],
      'the pod without such a port is not in any group',
    );
    assert.equal(targetPort(listens(8080), { port: 80, targetPort: 'http', protocol: 'UDP' }), undefined);
    assert.equal(targetPort(listens(8080), { port: 80 }), 80);
    assert.equal(targetPort(listens(8080), { port: 80, targetPort: 7 }), 7);
  });

  it('shows a headless service without ports', () => {
    const [group] = of(service({ clusterIP: 'None', ports: [] }), pod());
    assert.deepEqual([group?.ports, group?.endpoints.length], [[], 1]);
  });
});

describe('slices', () => {
  const labels = { 'kubernetes.io/service-name': 'web' };
  const ports = [{ name: '', port: 80, protocol: 'TCP' }];
  const endpoints = (count: number, from = 0) =>
    Array.from({ length: count }, (_, index) => ({
      addresses: [`10.0.${Math.floor((index + from) / 250)}.${(index + from) % 250}`],
    }));
  const slice = (name: string, content: EndpointSlice['endpoints']): EndpointSlice => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels },
    addressType: 'IPv4',
    endpoints: content ?? [],
    ports,
  });
  const plan = (groups: SliceFacts['groups'], present: readonly EndpointSlice[]) =>
    planSlices({ owner: service(), service: 'web', labels, groups, present });
  const counts = (result: ReturnType<typeof plan>) => [
    result.create.length,
    result.update.length,
    result.remove.length,
  ];

  it('writes nothing when nothing has changed', () => {
    assert.deepEqual(counts(plan([{ ports, endpoints: endpoints(3) }], [slice('a', endpoints(3))])), [0, 0, 0]);
  });

  it('writes the one slice that has changed', () => {
    const present = [slice('a', endpoints(100)), slice('b', endpoints(100, 100)), slice('c', endpoints(20, 200))];
    const changed = endpoints(220).map((each, index) =>
      index === 150 ? { ...each, conditions: { ready: false } } : each,
    );
    const result = plan([{ ports, endpoints: changed }], present);
    assert.deepEqual(
      result.update.map(({ metadata }) => metadata.name),
      ['b'],
    );
    assert.deepEqual(counts(result), [0, 1, 0]);
  });

  it('puts new endpoints where there is room, and makes slices of at most a hundred', () => {
    const result = plan([{ ports, endpoints: endpoints(330) }], [slice('a', endpoints(90))]);
    assert.deepEqual(
      result.update.map(({ endpoints: all }) => all?.length),
      [SLICE_LIMIT],
    );
    assert.deepEqual(
      result.create.map(({ endpoints: all }) => all.length),
      [100, 100, 30],
    );
  });

  it('fills the hole that a leaving endpoint makes', () => {
    const present = [slice('a', endpoints(100)), slice('b', endpoints(50, 100))];
    const wanted = [...endpoints(99), ...endpoints(51, 100)];
    assert.deepEqual(counts(plan([{ ports, endpoints: wanted }], present)), [0, 1, 0]);
  });

  it('keeps one empty slice for a service without endpoints', () => {
    const first = plan([], []);
    assert.deepEqual([first.create.length, first.create[0]?.endpoints, first.create[0]?.ports], [1, [], []]);
    const emptied = plan([], [slice('a', endpoints(3))]);
    assert.deepEqual(counts(emptied), [0, 1, 0]);
    assert.deepEqual(emptied.update[0]?.endpoints, []);
    assert.deepEqual(counts(plan([], [{ ...slice('a', []), ports: [] }])), [0, 0, 0]);
  });

  it('uses a slice of other ports again instead of making one beside it', () => {
    const result = plan(
      [{ ports: [{ name: '', port: 81, protocol: 'TCP' }], endpoints: endpoints(3) }],
      [slice('a', endpoints(3))],
    );
    assert.deepEqual(counts(result), [0, 1, 0]);
    assert.equal(result.update[0]?.ports?.[0]?.port, 81);
  });

  it('corrects labels', () => {
    const wrong = {
      ...slice('a', endpoints(1)),
      metadata: { name: 'a', namespace: 'default', labels: { ...labels, extra: 'x' } },
    };
    const result = plan([{ ports, endpoints: endpoints(1) }], [wrong]);
    assert.deepEqual(result.update[0]?.metadata.labels, labels);
  });
});

describe('Endpoints', () => {
  it('divides addresses into ready and not ready, without those that go', () => {
    const groups = of(
      service(),
      pod({ name: 'b', ip: '10.0.0.2' }),
      pod({ name: 'a', ip: '10.0.0.1' }),
      pod({ name: 'c', ip: '10.0.0.3', ready: false }),
      pod({ name: 'd', ip: '10.0.0.4', terminating: true }),
    );
    const { subsets, truncated } = subsetsOf(groups, false);
    assert.deepEqual(
      subsets.map(({ addresses = [], notReadyAddresses = [], ports }) => [
        addresses.map(({ ip }) => ip),
        notReadyAddresses.map(({ ip }) => ip),
        ports,
      ]),
      [[['10.0.0.1', '10.0.0.2'], ['10.0.0.3'], [{ port: 80, protocol: 'TCP' }]]],
    );
    assert.equal(truncated, false);
  });

  it('keeps a thousand addresses at most, ready ones first', () => {
    const many = Array.from({ length: 1001 }, (_, index) =>
      pod({ ip: `10.1.${Math.floor(index / 250)}.${index % 250}`, ready: index > 0 }),
    );
    const { subsets, truncated } = subsetsOf(of(service(), ...many), false);
    assert.deepEqual([subsets[0]?.addresses?.length, subsets[0]?.notReadyAddresses], [1000, undefined]);
    assert.equal(truncated, true);
  });

  it('of a service without selector become slices, unless they say not to', () => {
    const given: Endpoints = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'web' },
      subsets: [
        {
          addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }],
          notReadyAddresses: [{ ip: '192.0.2.2' }],
          ports: [{ port: 5432 }],
        },
      ],
    };
    assert.deepEqual(mirroredGroups(given), [
      {
        ports: [{ name: '', port: 5432, protocol: 'TCP' }],
        endpoints: [
          { addresses: ['192.0.2.1'], conditions: { ready: true } },
          { addresses: ['192.0.2.2'], conditions: { ready: false } },
        ],
      },
    ]);
    assert.ok(wantsMirror(given));
    const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
    assert.ok(!wantsMirror({ ...given, metadata: { name: 'web', labels } }));
    assert.ok(
      !wantsMirror({ ...given, metadata: { name: 'web', labels: { 'endpoints.kubernetes.io/managed-by': 'x' } } }),
    );
  });
});
