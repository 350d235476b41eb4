import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type KubeClient, TYPES } from '@osm/kube';
import type { Pod, PodStatus } from './pod.ts';
import { createStatusWriter } from './status-writer.ts';
import { MemoryApi } from './testing/memory-api.ts';

const spec = { containers: [{ name: 'app' }] };
const status = (message: string): PodStatus => ({ phase: 'Running', message, containerStatuses: [] });

async function setUp(fail: (count: number) => ApiError | undefined = () => undefined) {
  const api = new MemoryApi();
  const pod = await api.create<Pod>(TYPES.pods, { metadata: { name: 'p', namespace: 'ns' }, spec });
  let count = 0;
  const patch: KubeClient['patch'] = async (...args) => {
    const error = fail(++count);
    if (error) throw error;
    return await api.patch(...args);
  };
  const client = new Proxy(api, {
    get: (target, name) => (name === 'patch' ? patch : Reflect.get(target, name).bind?.(target)),
  });
  return { api, pod, writer: createStatusWriter(client, () => {}), count: () => count };
}

test('statuses that come while one is being sent become one request with the newest', async () => {
  const { api, pod, writer, count } = await setUp();
  for (let n = 0; n < 50; n++) writer.write(pod, status(`${n}`));
  await writer.settled(pod);
  assert.equal(api.peek<Pod>(TYPES.pods, 'p', 'ns')?.status?.message, '49');
  assert.equal(count(), 2);
});

test('an unchanged status is not sent; a field that is gone is removed', async () => {
  const { api, pod, writer, count } = await setUp();
  writer.write(pod, status('x'));
  await writer.settled(pod);
  writer.write(pod, status('x'));
  await writer.settled(pod);
  assert.equal(count(), 1);
  writer.write(pod, { phase: 'Failed', containerStatuses: [] });
  await writer.settled(pod);
  assert.deepEqual(api.peek<Pod>(TYPES.pods, 'p', 'ns')?.status, { phase: 'Failed', containerStatuses: [] });
});

test('a conflict or an API that is away is tried again; a replaced or deleted pod is let go', async () => {
  const again = await setUp((n) =>
    n === 1
      ? new ApiError(409, 'Conflict', 'the object has been modified')
      : n === 2
        ? new ApiError(0, 'Unreachable', 'refused')
        : undefined,
  );
  again.writer.write(again.pod, status('late'));
  await again.writer.settled(again.pod);
  assert.equal(again.api.peek<Pod>(TYPES.pods, 'p', 'ns')?.status?.message, 'late');
  for (const error of [
    new ApiError(404, 'NotFound', 'gone'),
    new ApiError(409, 'Conflict', 'Precondition failed: UID in precondition'),
  ]) {
    const gone = await setUp(() => error);
    gone.writer.write(gone.pod, status('x'));
    await gone.writer.settled(gone.pod);
    assert.equal(gone.count(), 1);
  }
});
