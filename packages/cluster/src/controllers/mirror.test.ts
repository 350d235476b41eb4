import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError, type Change, type Informer, type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import { Mirror } from './mirror.ts';

const object = (name: string, revision: number, more: object = {}, uid = `${name}-uid`): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'ns', uid, resourceVersion: String(revision), ...more },
});

/** An informer that the test drives, and a client that answers what the test says. */
const setUp = () => {
  const objects = new Map<string, KubeObject>();
  let listener: (change: Change) => void = () => {};
  const informer: Informer = {
    type: TYPES.pods,
    synced: Promise.resolve(),
    objects,
    get: (key) => objects.get(key),
    subscribe(given) {
      listener = given;
      return () => {};
    },
    stop() {},
  };
  const answers: (KubeObject | Error)[] = [];
  const answer = async () => {
    const next = answers.shift();
    if (next === undefined || next instanceof Error) throw next ?? new Error('no answer');
    return next;
  };
  const client = { create: answer, update: answer, patch: answer, delete: answer } as unknown as KubeClient;
  const mirror = new Mirror(client, informer);
  const told: string[] = [];
  mirror.subscribe(({ type, object: { metadata } }) =>
    told.push(`${type} ${metadata.name}@${metadata.resourceVersion}`),
  );
  return {
    mirror,
    answers,
    told,
    event(type: 'put' | 'deleted', next: KubeObject) {
      const key = `ns/${next.metadata.name}`;
      const old = objects.get(key);
      if (type === 'deleted') objects.delete(key);
      else objects.set(key, next);
      listener(
        type === 'deleted'
          ? { type, object: next }
          : old === undefined
            ? { type: 'added', object: next }
            : { type: 'updated', object: next, old },
      );
    },
  };
};

describe('mirror', () => {
  it('shows a created object before the watch does, once', async () => {
    const { mirror, answers, told, event } = setUp();
    answers.push(object('a', 5));
    await mirror.create(object('a', 0));
    assert.equal(mirror.get('ns/a')?.metadata.resourceVersion, '5');
    event('put', object('a', 5));
    assert.deepEqual(told, ['added a@5']);
  });

  it('is not set back by an event that is older than its own write', async () => {
    const { mirror, answers, told, event } = setUp();
    event('put', object('a', 1));
    answers.push(object('a', 3));
    await mirror.update(object('a', 1));
    event('put', object('a', 2));
    assert.equal(mirror.get('ns/a')?.metadata.resourceVersion, '3');
    event('put', object('a', 4));
    assert.deepEqual(told, ['added a@1', 'updated a@3', 'updated a@4']);
  });

  it('does not bring back what has come and gone before the answer', async () => {
    const { mirror, answers, event } = setUp();
    answers.push(object('a', 5));
    const created = mirror.create(object('a', 0));
    event('put', object('a', 5));
    event('deleted', object('a', 6));
    await created;
    assert.equal(mirror.get('ns/a'), undefined);
  });

  it('takes an object for terminating while its deletion is under way, and again for living when that fails', async () => {
    const { mirror, answers, event } = setUp();
    event('put', object('a', 1));
    answers.push(new ApiError(500, 'InternalError', 'no'));
    const failing = mirror.delete(object('a', 1));
    assert.notEqual(mirror.get('ns/a')?.metadata.deletionTimestamp, undefined);
    await assert.rejects(failing);
    assert.equal(mirror.get('ns/a')?.metadata.deletionTimestamp, undefined);

    answers.push(object('a', 1));
    await mirror.delete(object('a', 1));
    assert.notEqual(mirror.get('ns/a')?.metadata.deletionTimestamp, undefined);
    event('put', object('a', 2, { deletionTimestamp: 'the server says' }));
    assert.equal(mirror.get('ns/a')?.metadata.deletionTimestamp, 'the server says');
  });

  it('takes an object that is gone already, or replaced, for deleted', async () => {
    for (const code of [404, 409]) {
      const { mirror, answers, event } = setUp();
      event('put', object('a', 1));
      answers.push(new ApiError(code, 'NotFound', 'gone'));
      await mirror.delete(object('a', 1));
      assert.notEqual(mirror.get('ns/a')?.metadata.deletionTimestamp, undefined);
    }
  });

  it('tells of the end of an object whose name another one has taken', () => {
    const { told, event } = setUp();
    event('put', object('a', 1));
    event('put', object('a', 7, {}, 'other'));
    assert.deepEqual(told, ['added a@1', 'deleted a@1', 'added a@7']);
  });

  it('does not let the late end of a predecessor remove its successor', async () => {
    const { mirror, answers, event } = setUp();
    event('put', object('a', 1));
    answers.push(object('a', 9, {}, 'other'));
    await mirror.create(object('a', 0));
    event('deleted', object('a', 8));
    assert.equal(mirror.get('ns/a')?.metadata.uid, 'other');
  });

  it('gives up a write of its own that no event ever confirms', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    const { mirror, answers, event } = setUp();
    answers.push(object('phantom', 5), object('real', 6));
    await mirror.create(object('phantom', 0));
    await mirror.create(object('real', 0));
    event('put', object('real', 6));
    context.mock.timers.tick(30_000);
    assert.deepEqual([...mirror.objects.keys()], ['ns/real']);
  });

  it('keeps indexes in step', async () => {
    const { mirror, answers, event } = setUp();
    event('put', object('a', 1, { labels: { app: 'x' } }));
    const index = mirror.index(({ metadata }) => [metadata.labels?.app ?? '']);
    assert.equal(index.count('x'), 1);
    answers.push(object('a', 2, { labels: { app: 'y' } }));
    await mirror.patch(object('a', 1), 'merge', {});
    assert.deepEqual([index.count('x'), index.count('y')], [0, 1]);
    event('deleted', object('a', 3, { labels: { app: 'y' } }));
    assert.equal(index.count('y'), 0);
  });
});
