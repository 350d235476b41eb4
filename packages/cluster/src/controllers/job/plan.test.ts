import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findCondition } from '../conditions.ts';
import type { Pod } from '../objects.ts';
import { NOW, type PodTraits, pod, template } from '../testing/objects.ts';
import type { Job, JobSpec } from '../workload-objects.ts';
import { COMPLETION_INDEX, readIndexes, writeIndexes } from './indexes.ts';
import { planJob } from './plan.ts';
import { TRACKING } from './tally.ts';

const job = (spec: Partial<JobSpec> = {}, status: Job['status'] = {}): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'sum', namespace: 'default', uid: 'job-uid' },
  spec: { template: template(), ...spec },
  status: { startTime: '2029-12-31T23:59:00Z', ...status },
});
const worker = (traits: PodTraits = {}): Pod => pod({ finalizers: [TRACKING], finishedAt: NOW - 3_600_000, ...traits });
const plan = (subject: Job, ...pods: readonly Pod[]) => planJob({ job: subject, pods, nowMs: NOW });
const condition = (result: ReturnType<typeof plan>, type: string) => findCondition(result.status?.conditions, type);

/** What a controller does with plans, on values: until nothing is left to do or pods have to move. */
const run = (first: Job, start: readonly Pod[]) => {
  let [subject, pods] = [first, start];
  for (let round = 0; round < 20; round += 1) {
    const next = plan(subject, ...pods);
    if (next.status !== undefined) subject = { ...subject, status: next.status };
    pods = pods.map((each) =>
      next.release.includes(each) ? { ...each, metadata: { ...each.metadata, finalizers: [] } } : each,
    );
    if (next.status === undefined && next.release.length === 0) return { job: subject, pods, plan: next };
  }
  return assert.fail('the job does not come to rest');
};

describe('Job', () => {
  it('runs as many pods as it may and needs', () => {
    const cases: readonly [
      name: string,
      spec: Partial<JobSpec>,
      pods: readonly PodTraits[],
      create: number,
      remove: number,
    ][] = [
      ['one by default', {}, [], 1, 0],
      ['parallelism', { completions: 5, parallelism: 3 }, [], 3, 0],
      ['no more than are missing', { completions: 3, parallelism: 3 }, [{ phase: 'Succeeded' }, {}], 1, 0],
      ['a work queue', { parallelism: 2 }, [{}], 1, 0],
      ['a work queue after its first success', { parallelism: 3 }, [{ phase: 'Succeeded' }, {}], 0, 0],
      ['fewer than before', { completions: 9, parallelism: 1 }, [{}, {}, {}], 0, 2],
    ];
    for (const [name, spec, pods, create, remove] of cases) {
      const result = plan(job(spec), ...pods.map(worker));
      assert.deepEqual([result.create.length, result.remove.length], [create, remove], name);
    }
  });

  it('names its pods, tracks them, tells each its index', () => {
    const [plain] = plan(job()).create;
    assert.deepEqual(plain?.metadata.finalizers, [TRACKING]);
    assert.equal(plain?.metadata.labels?.['batch.kubernetes.io/job-name'], 'sum');
    const indexed = plan(
      job({ completions: 4, parallelism: 2, completionMode: 'Indexed' }, { completedIndexes: '0,2' }),
    );
    assert.deepEqual(
      indexed.create.map(({ metadata }) => metadata.annotations?.[COMPLETION_INDEX]),
      ['1', '3'],
    );
    const [first] = indexed.create;
    assert.deepEqual([first?.metadata.generateName, first?.spec.hostname], ['sum-1-', 'sum-1']);
    assert.match(JSON.stringify(first?.spec.containers), /JOB_COMPLETION_INDEX/);
  });

  it('counts every end once, by way of the status', () => {
    const { job: done, plan: last } = run(job({ completions: 2, parallelism: 2 }), [
      worker({ phase: 'Succeeded' }),
      worker({ phase: 'Succeeded' }),
    ]);
    assert.equal(done.status?.succeeded, 2);
    assert.deepEqual(done.status?.uncountedTerminatedPods, {});
    assert.equal(findCondition(done.status?.conditions, 'Complete')?.status, 'True');
    assert.equal(last.status, undefined, 'and is not written again');
    const again = { ...done, status: { ...done.status, conditions: [] } };
    assert.equal(plan(again).status?.succeeded, 2, 'pods that have been removed still count');
  });

  it('records an end before it lets the pod go', () => {
    const ended = worker({ name: 'w', phase: 'Succeeded' });
    const first = plan(job(), ended);
    assert.deepEqual(first.status?.uncountedTerminatedPods, { succeeded: ['pod-uid-w'] });
    assert.deepEqual([first.release, condition(first, 'Complete')], [[ended], undefined]);
    assert.equal(first.status?.succeeded, undefined);
  });

  it('completes only when no pod is left running', () => {
    const result = plan(job({ completions: 1, parallelism: 2 }, { succeeded: 1 }), worker());
    assert.deepEqual([result.remove.length, condition(result, 'SuccessCriteriaMet')?.status], [1, 'True']);
    assert.equal(condition(result, 'Complete'), undefined);
    const ending = plan(job({ completions: 1 }, { succeeded: 1 }), pod({ terminating: true }));
    assert.equal(condition(ending, 'Complete'), undefined);
  });

  it('fails beyond the back-off limit, and takes running pods along', () => {
    const result = plan(job({ backoffLimit: 1, parallelism: 2, completions: 2 }, { failed: 2 }), worker());
    assert.deepEqual([result.create.length, result.remove.length], [0, 1]);
    assert.equal(condition(result, 'FailureTarget')?.reason, 'BackoffLimitExceeded');
    const { job: over } = run(job({ backoffLimit: 0 }), [worker({ phase: 'Failed' })]);
    assert.deepEqual([over.status?.failed, findCondition(over.status?.conditions, 'Failed')?.status], [1, 'True']);
    const onFailure = { ...template(), spec: { ...template().spec, restartPolicy: 'OnFailure' } };
    const restarting = plan(job({ template: onFailure, backoffLimit: 3 }), worker({ restarts: 3 }));
    assert.equal(condition(restarting, 'FailureTarget')?.reason, 'BackoffLimitExceeded');
  });

  it('waits longer and longer after failures in a row', () => {
    const failed = (ago: number) => worker({ phase: 'Failed', finishedAt: NOW - ago });
    assert.equal(plan(job(), failed(4_000)).lookAgainAt, NOW + 6_000);
    assert.equal(plan(job(), failed(4_000), failed(60_000)).lookAgainAt, NOW + 16_000);
    assert.equal(plan(job(), failed(11_000)).create.length, 1);
    const won = worker({ phase: 'Succeeded', finishedAt: NOW - 2_000 });
    assert.equal(plan(job({ completions: 2 }), failed(4_000), won).create.length, 1, 'a success clears the record');
  });

  it('fails at its deadline, and says when that is', () => {
    assert.equal(plan(job({ activeDeadlineSeconds: 90 }), worker()).lookAgainAt, NOW + 30_000);
    const late = plan(job({ activeDeadlineSeconds: 60 }), worker());
    assert.equal(condition(late, 'FailureTarget')?.reason, 'DeadlineExceeded');
  });

  it('suspends without counting its pods as failed, and resumes with a new start', () => {
    const running = worker();
    const suspended = plan(job({ suspend: true }), running);
    assert.deepEqual([suspended.release, suspended.remove], [[running], [running]]);
    assert.equal(condition(suspended, 'Suspended')?.status, 'True');
    assert.equal(suspended.status?.startTime, undefined);
    const resumed = plan({ ...job(), status: suspended.status ?? {} });
    assert.deepEqual([condition(resumed, 'Suspended')?.status, resumed.create.length], ['False', 1]);
    assert.equal(resumed.status?.startTime, '2030-01-01T00:00:00Z');
  });

  it('completes when sidecars have ended with the application', () => {
    // The kubelet ends sidecars after the application; the phase of the pod says so.
    const withSidecar = worker({
      phase: 'Succeeded',
      spec: { initContainers: [{ name: 'proxy', restartPolicy: 'Always' }] },
    });
    assert.equal(findCondition(run(job(), [withSidecar]).job.status?.conditions, 'Complete')?.status, 'True');
  });

  it('refuses what it cannot do, instead of doing something else', () => {
    const result = plan(job({ podFailurePolicy: { rules: [] } }));
    assert.deepEqual([result.create.length, condition(result, 'Failed')?.reason], [0, 'UnsupportedField']);
  });

  it('goes after its time to live', () => {
    const complete = { type: 'Complete', status: 'True', lastTransitionTime: '2029-12-31T23:59:50Z' } as const;
    assert.equal(plan(job({ ttlSecondsAfterFinished: 60 }, { conditions: [complete] })).lookAgainAt, NOW + 50_000);
    assert.equal(plan(job({ ttlSecondsAfterFinished: 10 }, { conditions: [complete] })).expired, true);
    assert.equal(plan(job({}, { conditions: [complete] })).expired, undefined);
  });
});

describe('indexes', () => {
  it('are written as ranges and read again', () => {
    for (const text of ['', '0', '0,1', '0-2', '1,3-5,7,8', '0-99'])
      assert.equal(writeIndexes(readIndexes(text)), text);
    assert.deepEqual(readIndexes('x,1,,9-7'), [1]);
  });
});
