import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYPES } from '@osm/kube';
import { createEventRecorder } from './events.ts';
import { MemoryApi } from './testing/memory-api.ts';
import { aPod } from './testing/pods.ts';

test('repeats are counted in one event, and a flood about one object is cut off', async () => {
  const api = new MemoryApi();
  const recorder = createEventRecorder(api, 'kubelet', 'node', () => {});
  const pod = aPod({ containers: [{ name: 'app' }] });
  for (let n = 0; n < 3; n++) recorder.record(pod, 'Warning', 'Unhealthy', 'probe failed', 'app');
  const event = await api.until(() => api.all(TYPES.coreEvents).find((e) => e.count === 3), 'an event with count 3');
  assert.equal(api.all(TYPES.coreEvents).length, 1);
  assert.equal((event.involvedObject as { fieldPath: string }).fieldPath, 'spec.containers{app}');
  for (let n = 0; n < 500; n++) recorder.record(pod, 'Warning', 'Noise', `message ${n}`);
  recorder.record(
    aPod({ containers: [] }, undefined, { uid: 'other' }),
    'Normal',
    'Last',
    'another object is not affected',
  );
  await api.until(() => api.all(TYPES.coreEvents).some((e) => e.reason === 'Last'), 'the last event');
  assert.ok(api.all(TYPES.coreEvents).length <= 26);
});
