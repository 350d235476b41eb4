import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from '@osm/kube';
import pino from 'pino';
import type { ControllerContext } from '../context.ts';
import { NOW, replicaSet, template } from '../testing/objects.ts';
import { PodCreation } from './creation.ts';
import { newPod } from './new-pod.ts';

const owner = replicaSet('web');
const down = new ApiError(500, 'InternalError', 'Internal error occurred: failed calling webhook "inject": refused');

const setUp = (answer: (number: number) => ApiError | undefined) => {
  const clock = { now: NOW };
  const events: string[] = [];
  let asked = 0;
  const create = async (object: { metadata: object }) => {
    asked += 1;
    const error = answer(asked);
    if (error !== undefined) throw error;
    return { ...object, metadata: { ...object.metadata, name: `pod-${asked}` } };
  };
  const context = {
    log: pino({ level: 'silent' }),
    mirrors: { pods: { create } },
    recorder: () => ({ record: (_object: object, type: string, reason: string) => events.push(`${type} ${reason}`) }),
    now: () => clock.now,
  } as unknown as ControllerContext;
  const creation = new PodCreation(context, 'test');
  const pods = (count: number) => Array.from({ length: count }, () => newPod(owner, template()));
  return { creation, clock, events, pods, asked: () => asked };
};

describe('creation of pods', () => {
  it('creates all, and tells of each', async () => {
    const { creation, events, pods } = setUp(() => undefined);
    const { pods: made, failure } = await creation.create(owner, pods(7));
    assert.deepEqual([made.length, failure, events.length], [7, undefined, 7]);
    assert.equal(creation.wait(owner), 0);
  });

  it('asks once for a template that is refused, not a hundred times', async () => {
    const { creation, asked, events, pods } = setUp(() => down);
    const { failure } = await creation.create(owner, pods(100));
    assert.deepEqual([asked(), failure, events], [1, down.message, ['Warning FailedCreate']]);
  });

  it('waits from half a second to half a minute', async () => {
    const { creation, clock, pods } = setUp(() => down);
    const waits: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      await creation.create(owner, pods(1));
      waits.push(creation.wait(owner));
      clock.now += creation.wait(owner);
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it('waits no longer when the webhook may be back, but does for other refusals', async () => {
    const webhook = setUp(() => down);
    await webhook.creation.create(owner, webhook.pods(1));
    assert.deepEqual(webhook.creation.releaseWebhookWaits(), ['web-uid']);
    assert.deepEqual([webhook.creation.wait(owner), webhook.creation.failure(owner)], [0, down.message]);
    await webhook.creation.create(owner, webhook.pods(1));
    assert.equal(webhook.creation.wait(owner), 500, 'it may take a moment to be reached: the back-off begins anew');
    const quota = setUp(() => new ApiError(403, 'Forbidden', 'exceeded quota'));
    await quota.creation.create(owner, quota.pods(1));
    assert.deepEqual([quota.creation.releaseWebhookWaits(), quota.creation.wait(owner)], [[], 500]);
  });

  it('forgets the failure with the first success', async () => {
    const { creation, pods } = setUp((number) => (number === 1 ? down : undefined));
    await creation.create(owner, pods(1));
    await creation.create(owner, pods(1));
    assert.deepEqual([creation.failure(owner), creation.wait(owner)], [undefined, 0]);
  });

  it('says nothing when the namespace is going', async () => {
    const cause = { reason: 'NamespaceTerminating', message: 'going', field: 'metadata.namespace' };
    const body = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      message: 'no',
      code: 403,
      details: { causes: [cause] },
    } as const;
    const { creation, events, pods } = setUp(() => new ApiError(403, 'Forbidden', 'no', body));
    await creation.create(owner, pods(3));
    assert.deepEqual([events, creation.failure(owner)], [[], undefined]);
  });
});
