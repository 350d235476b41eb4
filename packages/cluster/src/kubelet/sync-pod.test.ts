import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KUBERNETES_BACKOFF as backoff } from './backoff.ts';
import { UNSTARTED } from './observed.ts';
import { podOutcome, stopsAfter, syncPod } from './sync-pod.ts';
import { aPod, exited, running, seen } from './testing/pods.ts';

const starts = (decision: ReturnType<typeof syncPod>): readonly string[] =>
  decision.actions.map((a) => ('container' in a ? `${a.do} ${a.container}` : a.do));

test('network and volumes come first, once, and wait for their back-off', () => {
  const pod = aPod({ containers: [{ name: 'app' }] });
  assert.deepEqual(starts(syncPod(pod, seen({}, { sandbox: { kind: 'absent' } }), backoff)), ['prepare']);
  assert.deepEqual(starts(syncPod(pod, seen({}, { sandbox: { kind: 'creating' } }), backoff)), []);
  assert.deepEqual(syncPod(pod, seen({}, { sandbox: { kind: 'absent', retryAt: 1500 } }), backoff), {
    actions: [],
    wakeAt: 1500,
  });
});

test('init containers run one after the other; a sidecar only has to be started', () => {
  const pod = aPod({
    initContainers: [{ name: 'one' }, { name: 'proxy', restartPolicy: 'Always' }, { name: 'two' }],
    containers: [{ name: 'app' }],
  });
  const next = (containers: Parameters<typeof seen>[0]) => starts(syncPod(pod, seen(containers), backoff));
  assert.deepEqual(next({}), ['start one']);
  assert.deepEqual(next({ one: running() }), []);
  assert.deepEqual(next({ one: exited(0) }), ['start proxy']);
  assert.deepEqual(next({ one: exited(0), proxy: running({ startupDone: false }) }), []);
  assert.deepEqual(next({ one: exited(0), proxy: running() }), ['start two']);
  assert.deepEqual(next({ one: exited(0), proxy: running(), two: exited(0) }), ['start app']);
});

test('once initialised, a sidecar that has ended is started again and holds nothing back', () => {
  const pod = aPod({ initContainers: [{ name: 'proxy', restartPolicy: 'Always' }], containers: [{ name: 'app' }] });
  const decision = syncPod(pod, seen({ proxy: exited(1), app: exited(1) }, { initialized: true }), backoff);
  assert.deepEqual(starts(decision), ['start proxy', 'start app']);
});

test('application containers start in order, each after the postStart of the one before', () => {
  const pod = aPod({ containers: [{ name: 'a' }, { name: 'b' }] });
  assert.deepEqual(starts(syncPod(pod, seen({}), backoff)), ['start a']);
  assert.deepEqual(
    starts(
      syncPod(pod, seen({ a: { ...UNSTARTED, state: { kind: 'starting', shown: { kind: 'waiting' } } } }), backoff),
    ),
    [],
  );
  assert.deepEqual(starts(syncPod(pod, seen({ a: running({ postStartDone: false }) }), backoff)), []);
  assert.deepEqual(starts(syncPod(pod, seen({ a: running({ ready: false }) }), backoff)), ['start b']);
  assert.deepEqual(
    starts(syncPod(pod, seen({ a: { ...UNSTARTED, retryAt: 2000 } }), backoff)),
    ['start b'],
    'a missing image holds only its own container',
  );
});

test('restarts back off: at once, then 10 s doubling to 300 s', () => {
  const pod = aPod({ containers: [{ name: 'app' }] });
  const wakeAt = (crashes: number) => syncPod(pod, seen({ app: exited(1, { crashes }, 1000) }), backoff).wakeAt;
  assert.deepEqual([1, 2, 3, 4, 7, 8, 50].map(wakeAt), [undefined, 11_000, 21_000, 41_000, 301_000, 301_000, 301_000]);
});

test('the restart policy decides the outcome; sidecars do not', () => {
  const outcome = (restartPolicy: 'Always' | 'OnFailure' | 'Never', code: number) =>
    podOutcome(
      aPod({
        restartPolicy,
        initContainers: [{ name: 'proxy', restartPolicy: 'Always' }],
        containers: [{ name: 'app' }],
      }),
      seen({ proxy: running(), app: exited(code) }, { initialized: true }),
    );
  assert.equal(outcome('Always', 0), 'running');
  assert.equal(outcome('OnFailure', 0), 'succeeded');
  assert.equal(outcome('OnFailure', 1), 'running');
  assert.equal(outcome('Never', 1), 'failed');
});

test('a pod that has ended stops its sidecars, gives everything back, and stays', () => {
  const pod = aPod({
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 7,
    initContainers: [{ name: 'proxy', restartPolicy: 'Always' }],
    containers: [{ name: 'app' }],
  });
  const ended = { initialized: true };
  assert.deepEqual(syncPod(pod, seen({ proxy: running(), app: exited(0) }, ended), backoff).actions, [
    { do: 'stop', container: 'proxy', deadline: 8000, after: ['app'] },
  ]);
  const proxy = running();
  const stopping = { ...proxy, state: { ...proxy.state, stopping: true } } as typeof proxy;
  assert.deepEqual(syncPod(pod, seen({ proxy: stopping, app: exited(0) }, ended), backoff).actions, []);
  assert.deepEqual(syncPod(pod, seen({ proxy: exited(0), app: exited(0) }, ended), backoff).actions, [
    { do: 'release' },
  ]);
  assert.deepEqual(
    syncPod(pod, seen({ proxy: exited(0), app: exited(0) }, { ...ended, sandbox: { kind: 'released' } }), backoff)
      .actions,
    [],
  );
});

test('a deleted pod stops everything, sidecars after what was started later, then goes', () => {
  const pod = aPod({
    initContainers: [
      { name: 's1', restartPolicy: 'Always' },
      { name: 'plain' },
      { name: 's2', restartPolicy: 'Always' },
    ],
    containers: [{ name: 'app' }],
  });
  const ending = { cause: 'Deleted', deadline: 5000 } as const;
  assert.deepEqual(
    syncPod(
      pod,
      seen({ s1: running(), s2: running(), app: running(), plain: exited(0) }, { initialized: true, ending }),
      backoff,
    ).actions,
    [
      { do: 'stop', container: 'app', deadline: 5000, after: [] },
      { do: 'stop', container: 's1', deadline: 5000, after: ['app', 'plain', 's2'] },
      { do: 'stop', container: 's2', deadline: 5000, after: ['app'] },
    ],
  );
  assert.deepEqual(stopsAfter(pod, { name: 'app' }), []);
  assert.deepEqual(syncPod(pod, seen({}, { ending, sandbox: { kind: 'released' } }), backoff).actions, [
    { do: 'finish' },
  ]);
  assert.deepEqual(
    syncPod(pod, seen({}, { ending: { cause: 'Gone', deadline: 0 }, sandbox: { kind: 'released' } }), backoff).actions,
    [],
  );
});

test('activeDeadlineSeconds ends the pod, and is waited for', () => {
  const pod = aPod({ activeDeadlineSeconds: 3, containers: [{ name: 'app' }] });
  assert.equal(syncPod(pod, seen({ app: running() }), backoff).wakeAt, 3000);
  assert.deepEqual(starts(syncPod(pod, seen({ app: running() }, { now: 3000 }), backoff)), ['expire']);
});
