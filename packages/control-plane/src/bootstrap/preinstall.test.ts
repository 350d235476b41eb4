import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '@osm/kube';
import { preinstallFaults } from './preinstall.ts';

const controller = (namespace: string, enforceSingleMesh: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'osm-controller', namespace, labels: { meshName: `mesh-${namespace}`, enforceSingleMesh } },
});

test('an empty cluster takes any mesh', () => {
  assert.deepEqual(preinstallFaults({ namespace: 'a', enforceSingleMesh: true }, []), []);
});
test('a mesh that wants to be alone refuses another', () => {
  const faults = preinstallFaults({ namespace: 'a', enforceSingleMesh: false }, [controller('b', 'true')]);
  assert.equal(faults.length, 1);
  assert.match(faults[0] ?? '', /mesh mesh-b in namespace b was installed with enforceSingleMesh=true/);
});
test('a mesh that wants to be alone is refused beside another', () => {
  const faults = preinstallFaults({ namespace: 'a', enforceSingleMesh: true }, [controller('b', 'false')]);
  assert.match(faults[0] ?? '', /mesh-b in namespace b exists/);
});
test('two meshes that allow it live in different namespaces', () => {
  const other = [controller('b', 'false')];
  assert.deepEqual(preinstallFaults({ namespace: 'a', enforceSingleMesh: false }, other), []);
  assert.match(
    preinstallFaults({ namespace: 'b', enforceSingleMesh: false }, other)[0] ?? '',
    /namespace b already holds/,
  );
});
