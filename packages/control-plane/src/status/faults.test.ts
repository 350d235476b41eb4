import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshObjects, PolicyFault } from '@osm/core';
import { type KubeObject, TYPES } from '@osm/kube';
import { createMetrics } from '../admin/metrics.ts';
import { createCorePlanner } from '../distribute/core-planner.ts';
import { createCity } from '../distribute/testing-city.ts';
import { MESH_TYPES } from '../ingest/types.ts';
import { silentLog } from '../testing.ts';
import { createTestCluster } from '../testing-cluster.ts';
import { faultCode } from './fault-code.ts';
import { createFaultReporter } from './faults.ts';
import { createStatusWriter } from './writer.ts';

/** A mesh in which nothing is wrong yet, and everything that reports what is. */
function setUp() {
  const cluster = createTestCluster();
  const { objects } = createCity(2);
  const metrics = createMetrics();
  const planner = createCorePlanner();
  const lines: object[] = [];
  const log = { ...silentLog, warn: (line: object) => lines.push(line) };
  const writer = createStatusWriter(cluster.client, silentLog);
  const reporter = createFaultReporter({ writer, log, metrics, now: () => new Date(0) });
  const show = async (state: MeshObjects): Promise<void> => {
    planner.update(state);
    reporter.report(state, planner.faults());
    await writer.idle();
  };
  const events = async (): Promise<string[]> =>
    (await cluster.client.list(TYPES.coreEvents)).items.map(
      ({ type, reason, message, involvedObject }) =>
        `${type} ${reason} ${(involvedObject as { kind: string }).kind}: ${message}`,
    );
  const counter = async (name: string): Promise<string[]> =>
    (await metrics.registry.getSingleMetricAsString(name)).split('\n').filter((line) => !line.startsWith('#'));
  return { cluster, objects, lines, show, events, counter, close: () => reporter.close() };
}

const backend = (cluster: ReturnType<typeof createTestCluster>, port: number): KubeObject =>
  cluster.put(MESH_TYPES.ingressBackends, {
    apiVersion: 'policy.openservicemesh.io/v1alpha1',
    kind: 'IngressBackend',
    metadata: { name: 'web', namespace: 'city-0' },
    spec: {
      backends: [{ name: 'app-0', port: { number: port, protocol: 'http' } }],
      sources: [{ kind: 'IPRange', name: '10.0.0.0/8' }],
    },
  });
const withBackend = (objects: MeshObjects, object: KubeObject): MeshObjects => ({
  ...objects,
  ingressBackends: new Map([['city-0/web', object]]),
});

test('a fault is an Event, a status, a line and a figure; when it is gone, that is told too', async (t) => {
  const { cluster, objects, lines, show, events, counter, close } = setUp();
  t.after(close);
  const status = () => cluster.read(MESH_TYPES.ingressBackends, 'web', 'city-0')?.status;
  await show(withBackend(objects, backend(cluster, 8080)));
  assert.deepEqual(status(), { currentStatus: 'committed', reason: 'successfully committed by the system' });
  assert.deepEqual(await events(), []);

  const broken = backend(cluster, 9999);
  await show(withBackend(objects, broken));
  const text = 'spec.backends[0].port.number: service city-0/app-0 has no target port 9999';
  assert.deepEqual(status(), { currentStatus: 'error', reason: text });
  assert.deepEqual(await events(), [`Warning InvalidPolicy IngressBackend: ${text}`]);
  assert.deepEqual(await counter('osm_policy_faults'), ['osm_policy_faults{kind="IngressBackend"} 1']);
  assert.equal(lines.length, 1);

  await show(withBackend(objects, backend(cluster, 8080)));
  assert.equal((status() as { currentStatus: string }).currentStatus, 'committed');
  assert.deepEqual((await events()).slice(1), [`Normal ValidPolicy IngressBackend: no longer: ${text}`]);
  assert.deepEqual(await counter('osm_policy_faults'), []);
});

test('while nothing about faults changes, nothing is written', async (t) => {
  const { cluster, objects, show, close } = setUp();
  t.after(close);
  const state = withBackend(objects, backend(cluster, 9999));
  await show(state);
  const calls = cluster.calls.length;
  await show({ ...state, endpointSlices: new Map(state.endpointSlices) });
  await show(withBackend(objects, backend(cluster, 9999)));
  assert.equal(cluster.calls.length, calls);
});

test('a fault with a code is counted once under it, and named by it in the log', async (t) => {
  const { objects, lines, show, counter, close } = setUp();
  t.after(close);
  const target = {
    apiVersion: 'access.smi-spec.io/v1alpha3',
    kind: 'TrafficTarget',
    metadata: { name: 'to', namespace: 'city-0', uid: 'u1', generation: 1 },
    spec: {
      destination: { kind: 'ServiceAccount', name: 'app-0', namespace: 'city-0' },
      sources: [{ kind: 'ServiceAccount', name: 'app-1', namespace: 'city-0' }],
      rules: [{ kind: 'HTTPRouteGroup', name: 'missing' }],
    },
  };
  const state = { ...objects, trafficTargets: new Map([['city-0/to', target]]) };
  await show(state);
  await show({ ...state, trafficTargets: new Map(state.trafficTargets) });
  assert.deepEqual(await counter('osm_error_err_code_count'), ['osm_error_err_code_count{err_code="E2005"} 1']);
  assert.equal((lines[0] as { error_code: string }).error_code, 'E2005');
  assert.equal(lines.length, 1);
});

test('a deleted policy is forgotten without a word', async (t) => {
  const { cluster, objects, show, events, counter, close } = setUp();
  t.after(close);
  await show(withBackend(objects, backend(cluster, 9999)));
  const before = await events();
  await show(objects);
  assert.deepEqual(await events(), before);
  assert.deepEqual(await counter('osm_policy_faults'), []);
});

test('policies outside the mesh get no status', async (t) => {
  const { cluster, objects, show, close } = setUp();
  t.after(close);
  const state = withBackend(objects, backend(cluster, 8080));
  await show({ ...state, namespaces: new Map() });
  assert.equal(cluster.read(MESH_TYPES.ingressBackends, 'web', 'city-0')?.status, undefined);
});

test('codes of the catalogue go to the faults that they describe', () => {
  const code = (kind: string, field: string, message = 'wrong'): string | undefined => {
    const fault: PolicyFault = { object: { kind, namespace: 'a', name: 'b', generation: 1 }, field, message };
    return faultCode(fault);
  };
  assert.equal(code('Egress', 'spec.ipAddresses[0]'), 'E2002');
  assert.equal(code('Egress', 'spec.matches[0].name', 'there is no HTTPRouteGroup x'), 'E2004');
  assert.equal(code('TrafficTarget', 'spec.rules[0].matches[0]', 'HTTPRouteGroup x has no usable match y'), 'E2006');
  assert.equal(code('TrafficTarget', 'spec.destination.kind'), 'E2010');
  assert.equal(code('TrafficTarget', 'spec.sources[1].kind'), 'E2011');
  assert.equal(code('TrafficSplit', 'spec.service', 'TrafficSplit a already splits service b'), 'E2007');
  assert.equal(code('MeshConfig', 'spec.traffic'), 'E4151');
  assert.equal(code('Retry', 'spec.x'), undefined);
});
