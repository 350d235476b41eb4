import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '@osm/kube';
import { POD_COLUMNS, summarizePod } from './pod-columns.ts';

const NOW = new Date('2026-06-01T12:00:00Z');

const pod = (spec: object, status: object, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', creationTimestamp: '2026-06-01T11:59:00Z', ...metadata },
  spec,
  status,
});

const running = { state: { running: {} }, ready: true, started: true, restartCount: 0 };
const one = { containers: [{ name: 'app' }] };
const withInit = { initContainers: [{ name: 'one' }, { name: 'two' }], containers: [{ name: 'app' }] };
const withSidecar = {
  initContainers: [{ name: 'setup' }, { name: 'proxy', restartPolicy: 'Always' }],
  containers: [{ name: 'app' }],
};

const cases: readonly [string, KubeObject, string, string][] = [
  ['not scheduled', pod(one, { phase: 'Pending' }), '0/1', 'Pending'],
  [
    'starting',
    pod(one, {
      phase: 'Pending',
      containerStatuses: [{ name: 'app', state: { waiting: { reason: 'ContainerCreating' } } }],
    }),
    '0/1',
    'ContainerCreating',
  ],
  ['running', pod(one, { phase: 'Running', containerStatuses: [{ name: 'app', ...running }] }), '1/1', 'Running'],
  [
    'running, not ready',
    pod(one, { phase: 'Running', containerStatuses: [{ name: 'app', ...running, ready: false }] }),
    '0/1',
    'Running',
  ],
  [
    'crashing',
    pod(one, {
      phase: 'Running',
      containerStatuses: [
        { name: 'app', restartCount: 3, ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } } },
      ],
    }),
    '0/1',
    'CrashLoopBackOff',
  ],
  [
    'completed',
    pod(one, {
      phase: 'Succeeded',
      containerStatuses: [{ name: 'app', state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
    }),
    '0/1',
    'Completed',
  ],
  [
    'ended without a reason',
    pod(one, { phase: 'Failed', containerStatuses: [{ name: 'app', state: { terminated: { exitCode: 7 } } }] }),
    '0/1',
    'ExitCode:7',
  ],
  [
    'ended by a signal',
    pod(one, {
      phase: 'Failed',
      containerStatuses: [{ name: 'app', state: { terminated: { exitCode: 137, signal: 9 } } }],
    }),
    '0/1',
    'Signal:9',
  ],
  [
    'init not begun',
    pod(withInit, {
      phase: 'Pending',
      initContainerStatuses: [{ name: 'one', state: { waiting: { reason: 'PodInitializing' } } }],
    }),
    '0/1',
    'Init:0/2',
  ],
  [
    'second init runs',
    pod(withInit, {
      phase: 'Pending',
      initContainerStatuses: [
        { name: 'one', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
        { name: 'two', state: { running: {} } },
      ],
      containerStatuses: [{ name: 'app', state: { waiting: { reason: 'PodInitializing' } } }],
    }),
    '0/1',
    'Init:1/2',
  ],
  [
    'init fails',
    pod(withInit, {
      phase: 'Pending',
      initContainerStatuses: [{ name: 'one', state: { terminated: { exitCode: 2, reason: 'Error' } } }],
    }),
    '0/1',
    'Init:Error',
  ],
  [
    'init waits to restart',
    pod(withInit, {
      phase: 'Pending',
      initContainerStatuses: [{ name: 'one', state: { waiting: { reason: 'CrashLoopBackOff' } } }],
    }),
    '0/1',
    'Init:CrashLoopBackOff',
  ],
  [
    'sidecar and application run',
    pod(withSidecar, {
      phase: 'Running',
      conditions: [{ type: 'Initialized', status: 'True' }],
      initContainerStatuses: [
        { name: 'setup', state: { terminated: { exitCode: 0 } } },
        { name: 'proxy', ...running },
      ],
      containerStatuses: [{ name: 'app', ...running }],
    }),
    '2/2',
    'Running',
  ],
  [
    'sidecar starts',
    pod(withSidecar, {
      phase: 'Pending',
      initContainerStatuses: [
        { name: 'setup', state: { terminated: { exitCode: 0 } } },
        { name: 'proxy', state: { running: {} }, started: false, ready: false },
      ],
    }),
    '0/2',
    'Init:1/2',
  ],
  [
    'one done, one running and ready',
    pod(
      { containers: [{ name: 'a' }, { name: 'b' }] },
      {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [
          { name: 'a', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
          { name: 'b', ...running },
        ],
      },
    ),
    '1/2',
    'Running',
  ],
  [
    'being deleted',
    pod(
      one,
      { phase: 'Running', containerStatuses: [{ name: 'app', ...running }] },
      { deletionTimestamp: '2026-06-01T12:00:30Z' },
    ),
    '1/1',
    'Terminating',
  ],
  ['evicted', pod(one, { phase: 'Failed', reason: 'Evicted' }), '0/1', 'Evicted'],
  [
    'gated',
    pod(one, { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
    '0/1',
    'SchedulingGated',
  ],
];

for (const [name, object, ready, status] of cases) {
  test(`a pod that is ${name} shows ${ready} ${status}`, () => {
    const summary = summarizePod(object);
    assert.deepEqual([`${summary.ready}/${summary.containers}`, summary.status], [ready, status]);
  });
}

test('restarts say how long ago the last was', () => {
  const object = pod(one, {
    phase: 'Running',
    containerStatuses: [
      { name: 'app', ...running, restartCount: 3, lastState: { terminated: { finishedAt: '2026-06-01T11:55:00Z' } } },
    ],
  });
  const cells = POD_COLUMNS.map(({ cell }) => cell(object, NOW));
  assert.deepEqual(cells.slice(0, 5), ['p', '1/1', 'Running', '3 (5m ago)', '60s']);
});
