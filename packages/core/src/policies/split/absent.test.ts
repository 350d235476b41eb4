import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshObject } from '../../model/objects.ts';
import { readSnapshot } from '../../model/read.ts';
import { policyFaults } from '../../plan/plan.ts';
import { meshOf } from '../../testing/mesh.ts';

const object = (kind: string, name: string, spec: object): MeshObject =>
  ({ apiVersion: 'v1', kind, metadata: { name, namespace: 'shop', uid: name, generation: 1 }, spec }) as MeshObject;
const service = (name: string, port: number) =>
  object('Service', name, { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], selector: { a: 'b' }, ports: [{ port }] });
const shop = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { 'openservicemesh.io/monitored-by': 'osm' } },
} as unknown as MeshObject;
const faults = (...objects: readonly MeshObject[]) =>
  policyFaults(readSnapshot(meshOf([shop, ...objects]), undefined)).map(({ field, message }) => `${field}: ${message}`);

test('a split tells which of its services are not there, until they come', () => {
  const split = object('TrafficSplit', 'split', {
    service: 'store',
    backends: ['v1', 'v2', 'v3'].map((name) => ({ service: name, weight: 1 })),
  });
  assert.deepEqual(faults(split, service('v1', 80), service('v3', 81)), [
    'spec.service: there is no service store in namespace shop',
    'spec.backends[1].service: there is no service v2 in namespace shop',
  ]);
  const all = [split, service('store', 80), service('v1', 80), service('v2', 80)];
  assert.deepEqual(faults(...all, service('v3', 81)), [
    'spec.backends[2].service: service v3 has no port of service store',
  ]);
  assert.deepEqual(faults(...all, service('v3', 80)), []);
});
