import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KUBERNETES_BACKOFF as backoff } from './backoff.ts';
import { podStatus } from './pod-status.ts';
import { aPod, exited, running, seen } from './testing/pods.ts';

const node = { hostIP: '198.19.0.1', backoff };
const condition = (status: ReturnType<typeof podStatus>, type: string) =>
  status.conditions?.find((c) => c.type === type);

test('a running, ready pod', () => {
  const status = podStatus(aPod({ containers: [{ name: 'app', image: 'x' }] }), seen({ app: running() }), node);
  assert.equal(status.phase, 'Running');
  assert.equal(status.podIP, '198.19.0.9');
  assert.deepEqual(
    status.conditions?.map((c) => `${c.type}=${c.status}`),
    ['PodReadyToStartContainers=True', 'Initialized=True', 'Ready=True', 'ContainersReady=True', 'PodScheduled=True'],
  );
  assert.deepEqual(status.containerStatuses?.[0], {
    name: 'app',
    state: { running: { startedAt: '1970-01-01T00:00:00Z' } },
    lastState: {},
    ready: true,
    started: true,
    restartCount: 0,
    image: 'x',
    imageID: '',
    containerID: 'osm://1',
  });
});

test('an init container under way: Pending, PodInitializing', () => {
  const pod = aPod({ initContainers: [{ name: 'init' }], containers: [{ name: 'app' }] });
  const status = podStatus(pod, seen({ init: running() }), node);
  assert.equal(status.phase, 'Pending');
  assert.equal(status.containerStatuses?.[0]?.state?.waiting?.reason, 'PodInitializing');
  assert.equal(condition(status, 'Initialized')?.status, 'False');
});

test('CrashLoopBackOff shows the last run; the first restart is not called one', () => {
  const pod = aPod({ containers: [{ name: 'app' }] });
  const first = podStatus(pod, seen({ app: exited(1, {}, 1000) }), node).containerStatuses?.[0];
  assert.equal(first?.state?.terminated?.exitCode, 1);
  const third = podStatus(pod, seen({ app: exited(1, { crashes: 3 }, 1000) }), node).containerStatuses?.[0];
  assert.equal(third?.state?.waiting?.reason, 'CrashLoopBackOff');
  assert.match(third?.state?.waiting?.message ?? '', /back-off 20s restarting failed container=app pod=pod_ns\(u1\)/);
  assert.equal(third?.lastState?.terminated?.exitCode, 1);
});

test('a job is done only when its sidecar has ended too', () => {
  const pod = aPod({
    restartPolicy: 'Never',
    initContainers: [{ name: 'proxy', restartPolicy: 'Always' }],
    containers: [{ name: 'app' }],
  });
  assert.equal(
    podStatus(pod, seen({ proxy: running(), app: exited(0) }, { initialized: true }), node).phase,
    'Running',
  );
  const done = podStatus(pod, seen({ proxy: exited(137), app: exited(0) }, { initialized: true }), node);
  assert.equal(done.phase, 'Succeeded');
  assert.equal(condition(done, 'Ready')?.reason, 'PodCompleted');
});

test('an unready sidecar makes the pod unready', () => {
  const pod = aPod({ initContainers: [{ name: 'proxy', restartPolicy: 'Always' }], containers: [{ name: 'app' }] });
  const status = podStatus(
    pod,
    seen({ proxy: running({ ready: false }), app: running() }, { initialized: true }),
    node,
  );
  assert.equal(condition(status, 'Ready')?.message, 'containers with unready status: [proxy]');
});

test('transition times stand while the status stands; foreign conditions and readiness gates are kept', () => {
  const before = {
    conditions: [
      { type: 'ContainersReady', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' },
      { type: 'Ready', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' },
      { type: 'example.org/gate', status: 'False' },
    ],
  } as const;
  const pod = aPod({ readinessGates: [{ conditionType: 'example.org/gate' }], containers: [{ name: 'app' }] }, before);
  const status = podStatus(pod, seen({ app: running() }), node);
  assert.equal(condition(status, 'ContainersReady')?.lastTransitionTime, '2020-01-01T00:00:00Z');
  assert.equal(condition(status, 'Ready')?.reason, 'ReadinessGatesNotReady');
  assert.equal(condition(status, 'Ready')?.lastTransitionTime, '1970-01-01T00:00:01Z');
  assert.equal(condition(status, 'example.org/gate')?.status, 'False');
});

test('a deadline that has passed fails the pod with its reason', () => {
  const pod = aPod({ containers: [{ name: 'app' }] });
  const status = podStatus(
    pod,
    seen({ app: exited(143) }, { ending: { cause: 'DeadlineExceeded', deadline: 0, message: 'too long' } }),
    node,
  );
  assert.deepEqual([status.phase, status.reason, status.message], ['Failed', 'DeadlineExceeded', 'too long']);
});
