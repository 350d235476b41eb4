import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { assertGolden, goldenCases, goldenInput } from '../testing.ts';
import { DEFAULT_PROFILES, infrastructureExclusions } from './infrastructure.ts';
import { formerBootstrapSecret, type InjectionContext, injectPod, reinjectPod } from './inject.ts';
import { InjectionError, type Pod } from './pod.ts';
import { readSidecarSettings } from './settings.ts';

const TESTDATA = join(import.meta.dirname, 'testdata');

const CONTEXT: InjectionContext = {
  namespace: 'shop',
  uuid: '11111111-2222-4333-8444-555555555555',
  metrics: false,
  settings: readSidecarSettings(undefined),
  defaultImages: {
    envoy: 'registry.test/envoy:1',
    init: 'registry.test/init:1',
    healthcheck: 'registry.test/osm-healthcheck:1',
  },
  pullPolicy: 'IfNotPresent',
  infrastructure: infrastructureExclusions(DEFAULT_PROFILES, {
    clusterIP: '198.18.0.1',
    endpoints: [{ address: '192.0.2.10', port: 6443 }],
  }),
  kubernetesMinor: 37,
  nativeSidecar: 'auto',
  concurrency: 2,
};

/** A case file: the pod, and what differs from the context above. */
interface Case {
  readonly pod: Pod;
  readonly meshConfig?: object;
  readonly context?: Partial<InjectionContext>;
}

describe('golden pods', () => {
  for (const name of goldenCases(TESTDATA)) {
    test(name, () => {
      const input = parse(goldenInput(TESTDATA, name)) as Case;
      const settings = readSidecarSettings({
        apiVersion: 'config.openservicemesh.io/v1alpha2',
        kind: 'MeshConfig',
        metadata: { name: 'osm-mesh-config' },
        spec: input.meshConfig ?? {},
      });
      const { pod, probes } = injectPod(input.pod, { ...CONTEXT, settings, ...input.context });
      assertGolden(
        join(TESTDATA, `${name}.out.yaml`),
        stringify({ pod, probes }, { aliasDuplicateObjects: false, lineWidth: 0 }),
      );
    });
  }
});

const POD: Pod = { metadata: { name: 'cart' }, spec: { containers: [{ name: 'cart', image: 'cart' }] } };
const annotated = (annotations: Record<string, string>): Pod => ({
  ...POD,
  metadata: { ...POD.metadata, annotations },
});

describe('denials name what is wrong', () => {
  const cases: [string, Pod, RegExp][] = [
    [
      'bad port',
      annotated({ 'openservicemesh.io/outbound-port-exclusion-list': '80, 70000' }),
      /Pod shop\/cart: annotation openservicemesh\.io\/outbound-port-exclusion-list="80, 70000": "70000" is not a port/,
    ],
    [
      'bad range',
      annotated({ 'openservicemesh.io/outbound-ip-range-exclusion-list': '10.0.0.1' }),
      /outbound-ip-range-exclusion-list="10\.0\.0\.1".*address range/,
    ],
    ['bad drain', annotated({ 'openservicemesh.io/drain-seconds': 'soon' }), /drain-seconds="soon"/],
    ['bad mtls mode', annotated({ 'openservicemesh.io/mtls-mode': 'open' }), /mtls-mode="open" is not understood/],
    [
      'bad mtls ports',
      annotated({ 'openservicemesh.io/mtls-permissive-ports': 'http' }),
      /mtls-permissive-ports="http": "http" is not a port/,
    ],
    ['bad native-sidecar', annotated({ 'openservicemesh.io/native-sidecar': 'maybe' }), /native-sidecar="maybe"/],
    [
      'reserved name',
      { ...POD, spec: { containers: [{ name: 'envoy' }] } },
      /container name envoy is reserved for the mesh/,
    ],
    [
      'windows',
      { ...POD, spec: { ...POD.spec, nodeSelector: { 'kubernetes.io/os': 'windows' } } },
      /Windows pods cannot be meshed/,
    ],
    [
      'unknown named port',
      { ...POD, spec: { containers: [{ name: 'cart', livenessProbe: { httpGet: { port: 'web' } } }] } },
      /container cart: livenessProbe names port "web"/,
    ],
  ];
  for (const [name, pod, message] of cases) {
    test(name, () => {
      assert.throws(
        () => injectPod(pod, CONTEXT),
        (error) => error instanceof InjectionError && message.test(error.message),
      );
    });
  }

  test('no image', () => {
    const noImages = { ...CONTEXT, defaultImages: { envoy: '', init: 'init', healthcheck: '' } };
    assert.throws(() => injectPod(POD, noImages), /spec\.sidecar\.envoyImage/);
  });

  test('a native sidecar on an API server without them', () => {
    const old = { ...CONTEXT, kubernetesMinor: 28 };
    assert.throws(
      () => injectPod(annotated({ 'openservicemesh.io/native-sidecar': 'enabled' }), old),
      /native sidecars need 1\.29/,
    );
  });

  test('an entry of MeshConfig that would end in a shell document', () => {
    const meshConfig = (traffic: object) => ({
      apiVersion: 'v1',
      kind: 'MeshConfig',
      metadata: { name: 'osm-mesh-config' },
      spec: { traffic },
    });
    assert.throws(
      () => readSidecarSettings(meshConfig({ networkInterfaceExclusionList: ['eth0; reboot'] })),
      /spec\.traffic\.networkInterfaceExclusionList holds "eth0; reboot"/,
    );
    assert.throws(
      () => readSidecarSettings(meshConfig({ outboundIPRangeExclusionList: ['10.0.0.0/8\nCOMMIT'] })),
      /spec\.traffic\.outboundIPRangeExclusionList/,
    );
    assert.throws(
      () => readSidecarSettings(meshConfig({ inboundPortExclusionList: ['22'] })),
      /spec\.traffic\.inboundPortExclusionList/,
    );
  });
});

describe('drain', () => {
  const preStop = (pod: Pod, context: Partial<InjectionContext> = {}): unknown =>
    injectPod(pod, { ...CONTEXT, ...context }).pod.spec.containers[0]?.lifecycle?.preStop;
  test('is 2 s by default', () => assert.deepEqual(preStop(POD), { sleep: { seconds: 2 } }));
  test('follows the annotation', () =>
    assert.deepEqual(preStop(annotated({ 'openservicemesh.io/drain-seconds': '7' })), { sleep: { seconds: 7 } }));
  test('is off with 0', () => assert.equal(preStop(annotated({ 'openservicemesh.io/drain-seconds': '0' })), undefined));
  test('leaves the application a second of its grace period', () => {
    const short = (seconds: number): Pod => ({ ...POD, spec: { ...POD.spec, terminationGracePeriodSeconds: seconds } });
    assert.deepEqual(preStop(short(2)), { sleep: { seconds: 1 } });
    assert.equal(preStop(short(1)), undefined);
    assert.equal(preStop(short(0)), undefined);
  });
  test('leaves a preStop of the application alone', () => {
    const own = { exec: { command: ['/bin/stop'] } };
    assert.deepEqual(preStop({ ...POD, spec: { containers: [{ name: 'cart', lifecycle: { preStop: own } }] } }), own);
  });
  test('needs Kubernetes 1.30', () => assert.equal(preStop(POD, { kubernetesMinor: 29 }), undefined));
});

test('the input pod is not touched', () => {
  const before = structuredClone(POD);
  injectPod(POD, CONTEXT);
  assert.deepEqual(POD, before);
});

test('a copied injected pod gets an identity of its own and nothing else', () => {
  const { pod } = injectPod(POD, CONTEXT);
  assert.equal(formerBootstrapSecret(pod), 'envoy-bootstrap-config-11111111-2222-4333-8444-555555555555');
  const again = reinjectPod(pod, 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee');
  assert.equal(again.metadata.labels?.['osm-proxy-uuid'], 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee');
  assert.equal(formerBootstrapSecret(again), 'envoy-bootstrap-config-aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee');
  assert.deepEqual(again.spec.containers, pod.spec.containers);
  assert.deepEqual(again.spec.initContainers, pod.spec.initContainers);
});
