import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainExclusions } from './explain-exclusions.ts';
import { infrastructureExclusions } from './infrastructure.ts';
import { type InjectionContext, injectPod } from './inject.ts';
import type { Pod } from './pod.ts';
import { readSidecarSettings } from './settings.ts';

const config = (traffic: object) => ({
  apiVersion: 'config.openservicemesh.io/v1alpha2',
  kind: 'MeshConfig',
  metadata: { name: 'osm-mesh-config' },
  spec: { traffic },
});

function inject(annotations: Readonly<Record<string, string>>, traffic: object, profiles: readonly string[] = []): Pod {
  const context: InjectionContext = {
    namespace: 'shop',
    uuid: '11111111-2222-4333-8444-555555555555',
    metrics: false,
    settings: readSidecarSettings(config(traffic)),
    defaultImages: { envoy: 'envoy', init: 'init', healthcheck: 'healthcheck' },
    pullPolicy: 'IfNotPresent',
    infrastructure: infrastructureExclusions(profiles, {
      clusterIP: '198.18.0.1',
      endpoints: [{ address: '192.0.2.10', port: 6443 }],
    }),
    kubernetesMinor: 37,
    nativeSidecar: 'auto',
    concurrency: 2,
  };
  const pod: Pod = { metadata: { name: 'cart', annotations }, spec: { containers: [{ name: 'cart', image: 'cart' }] } };
  return injectPod(pod, context).pod;
}

const lines = (pod: Pod, traffic: object, part: 'inForce' | 'notInForce' = 'inForce'): readonly string[] =>
  (explainExclusions(pod, config(traffic))?.[part] ?? []).map(
    ({ direction, effect, what, why }) => `${direction} ${effect} ${what}: ${why.join('; ')}`,
  );

const ANNOTATION = 'openservicemesh.io';
const OWN = [
  'inbound excluded port 15010: metrics of the proxy',
  'inbound excluded port 15901: liveness probes',
  'inbound excluded port 15902: readiness probes',
  'inbound excluded port 15903: startup probes',
  'inbound excluded port 15904: TCP probes',
  'inbound excluded port 15905: readiness of the proxy',
  'outbound excluded 127.0.0.1/32: loopback: containers of one pod talk without the proxy',
];

test('a pod of which nothing is excluded has only what the proxy needs for itself', () => {
  assert.deepEqual(lines(inject({}, {}), {}), OWN);
});

test('each exclusion is told with all who ask for it', () => {
  const traffic = {
    networkInterfaceExclusionList: ['eth1'],
    inboundPortExclusionList: [9100],
    outboundPortExclusionList: [25, 3306],
    outboundIPRangeExclusionList: ['10.0.0.0/8'],
  };
  const pod = inject(
    {
      [`${ANNOTATION}/inbound-port-exclusion-list`]: '9100, 9200',
      [`${ANNOTATION}/outbound-port-exclusion-list`]: '3306',
      [`${ANNOTATION}/outbound-ip-range-exclusion-list`]: '192.168.0.0/16,fd00::/8',
    },
    traffic,
    ['kubernetes', 'azure'],
  );
  assert.deepEqual(
    lines(pod, traffic).filter((line) => !OWN.includes(line)),
    [
      'inbound excluded interface eth1: MeshConfig spec.traffic.networkInterfaceExclusionList',
      `inbound excluded port 9100: annotation ${ANNOTATION}/inbound-port-exclusion-list; MeshConfig spec.traffic.inboundPortExclusionList`,
      `inbound excluded port 9200: annotation ${ANNOTATION}/inbound-port-exclusion-list`,
      'outbound excluded interface eth1: MeshConfig spec.traffic.networkInterfaceExclusionList',
      'outbound excluded 198.18.0.1/32: infrastructure profile kubernetes',
      'outbound excluded 192.0.2.10/32 port 6443: infrastructure profile kubernetes',
      'outbound excluded 169.254.169.254/32: infrastructure profile azure',
      'outbound excluded 168.63.129.16/32: infrastructure profile azure',
      `outbound excluded 192.168.0.0/16: annotation ${ANNOTATION}/outbound-ip-range-exclusion-list`,
      'outbound excluded 10.0.0.0/8: MeshConfig spec.traffic.outboundIPRangeExclusionList',
      'outbound excluded port 25: MeshConfig spec.traffic.outboundPortExclusionList',
      `outbound excluded port 3306: annotation ${ANNOTATION}/outbound-port-exclusion-list; MeshConfig spec.traffic.outboundPortExclusionList`,
    ],
  );
  assert.deepEqual(lines(pod, traffic, 'notInForce'), []);
});

test('ranges that alone are captured', () => {
  const pod = inject({ [`${ANNOTATION}/outbound-ip-range-inclusion-list`]: '10.1.0.0/16' }, {});
  assert.deepEqual(lines(pod, {}).slice(-1), [
    `outbound included 10.1.0.0/16: annotation ${ANNOTATION}/outbound-ip-range-inclusion-list`,
  ]);
});

test('what was changed since the pod was made is told apart', () => {
  const pod = inject({}, { outboundPortExclusionList: [25] });
  const now = { outboundPortExclusionList: [26] };
  assert.deepEqual(lines(pod, now).slice(-1), [
    'outbound excluded port 25: asked for when the pod was made, and no longer',
  ]);
  assert.deepEqual(lines(pod, now, 'notInForce'), [
    'outbound excluded port 26: MeshConfig spec.traffic.outboundPortExclusionList',
  ]);
});

test('a pod without a sidecar has no report', () => {
  const pod: Pod = { metadata: {}, spec: { containers: [] } };
  assert.equal(explainExclusions(pod, undefined), undefined);
});
