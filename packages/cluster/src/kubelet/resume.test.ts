import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resume } from './resume.ts';
import { aPod } from './testing/pods.ts';

const status = { ready: true, restartCount: 2, image: 'x', imageID: 'x' };
const run = { running: { startedAt: '2026-01-01T00:00:00Z' } };

test('what ran counts as killed; init containers run again', () => {
  const pod = aPod(
    { initContainers: [{ name: 'init' }], containers: [{ name: 'app' }] },
    {
      phase: 'Running',
      startTime: '2026-01-01T00:00:00Z',
      containerStatuses: [{ ...status, name: 'app', state: run }],
      initContainerStatuses: [{ ...status, name: 'init', restartCount: 0, state: { terminated: { exitCode: 0 } } }],
    },
  );
  const resumed = resume(pod, 5000);
  assert.equal(resumed.startTime, Date.parse('2026-01-01T00:00:00Z'));
  const app = resumed.containers.get('app');
  assert.equal(app?.state.kind === 'terminated' && app.state.exitCode, 137);
  assert.equal(app?.restartCount, 2);
  assert.deepEqual(
    [resumed.containers.get('init')?.state.kind, resumed.containers.get('init')?.restartCount],
    ['waiting', 1],
  );
  assert.deepEqual([resumed.ended, resumed.initialized], [false, false]);
});

test('a pod that never restarts is not initialised anew', () => {
  const pod = aPod(
    { restartPolicy: 'Never', initContainers: [{ name: 'init' }], containers: [{ name: 'app' }] },
    {
      phase: 'Running',
      containerStatuses: [{ ...status, name: 'app', state: run }],
      initContainerStatuses: [{ ...status, name: 'init', state: { terminated: { exitCode: 0 } } }],
    },
  );
  const resumed = resume(pod, 5000);
  assert.equal(resumed.initialized, true);
  assert.equal(resumed.containers.get('init')?.state.kind, 'terminated');
});

test('an ended pod stays ended', () => {
  const pod = aPod({ containers: [{ name: 'app' }] }, { phase: 'Failed' });
  assert.equal(resume(pod, 1).ended, true);
});
