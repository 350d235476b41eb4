import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findCondition } from '../conditions.ts';
import type { Deployment, ReplicaSet } from '../objects.ts';
import { deployment, NOW, replicaSet, template } from '../testing/objects.ts';
import { planDeployment, planStatus, surplusHistory } from './plan.ts';
import { ANNOTATIONS, HASH_LABEL, newReplicaSet, sameTemplate, templateHash } from './revision.ts';
import { limits } from './rolling.ts';

const sized = (name: string, image: string, replicas: number, revision: number, desired = 4): ReplicaSet =>
  replicaSet(
    name,
    { replicas, template: template(image) },
    {
      status: { replicas, availableReplicas: replicas, readyReplicas: replicas, observedGeneration: 1 },
      metadata: {
        annotations: {
          [ANNOTATIONS.revision]: String(revision),
          [ANNOTATIONS.desired]: String(desired),
          [ANNOTATIONS.max]: String(desired + 1),
        },
      },
    },
  );
const plan = (subject: Deployment, sets: readonly ReplicaSet[], oldPodsRun = false) =>
  planDeployment({ deployment: subject, sets, oldPodsRun });
const sizes = (result: ReturnType<typeof plan>): Record<string, number | undefined> =>
  Object.fromEntries(result.update.map(({ to }) => [to.metadata.name, to.spec.replicas]));

describe('Deployment', () => {
  it('makes a ReplicaSet of its template, with the hash in name, labels and selector', () => {
    const { create, revision } = plan(deployment(), []);
    const hash = templateHash(deployment());
    assert.equal(create?.metadata.name, `web-${hash}`);
    assert.deepEqual(create?.spec.selector.matchLabels, { app: 'web', [HASH_LABEL]: hash });
    assert.deepEqual(create?.spec.template.metadata?.labels, { app: 'web', [HASH_LABEL]: hash });
    assert.deepEqual(create?.metadata.annotations, {
      [ANNOTATIONS.revision]: '1',
      [ANNOTATIONS.desired]: '4',
      [ANNOTATIONS.max]: '5',
    });
    assert.equal(create?.spec.replicas, 4);
    assert.equal(revision, '1');
  });

  it('hands its annotations on, but not those that are its own', () => {
    const annotations = {
      'kubernetes.io/change-cause': 'why',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
    };
    const subject = deployment();
    const { create } = plan({ ...subject, metadata: { ...subject.metadata, annotations } }, []);
    assert.equal(create?.metadata.annotations['kubernetes.io/change-cause'], 'why');
    assert.equal(create?.metadata.annotations['kubectl.kubernetes.io/last-applied-configuration'], undefined);
  });

  it('knows its ReplicaSet by the template, whatever the order of keys and the hash label', () => {
    const one = template('one');
    const same = {
      spec: one.spec,
      metadata: { labels: { [HASH_LABEL]: 'x', ...one.metadata.labels }, creationTimestamp: null },
    };
    assert.ok(sameTemplate(one, same));
    assert.ok(!sameTemplate(one, template('two')));
    const sets = [sized('older', 'one', 0, 1), sized('other', 'two', 4, 2)];
    assert.equal(newReplicaSet(deployment({ template: one }), sets)?.metadata.name, 'older');
  });

  it('gives a former ReplicaSet the next revision when its template is used again', () => {
    const { update, revision } = plan(deployment({ template: template('one') }), [
      sized('first', 'one', 0, 1),
      sized('second', 'two', 4, 2),
    ]);
    const first = update.find(({ to }) => to.metadata.name === 'first');
    assert.equal(revision, '3');
    assert.equal(first?.to.metadata.annotations?.[ANNOTATIONS.revision], '3');
    assert.equal(first?.to.metadata.annotations?.[ANNOTATIONS.history], '1');
    assert.equal(first?.to.spec.replicas, 1, 'one more than four, as maxSurge is 25%');
  });

  it('rounds maxSurge up and maxUnavailable down, and never lets both be nothing', () => {
    const cases: readonly [replicas: number, surge: number | string, unavailable: number | string, number, number][] = [
      [10, '25%', '25%', 3, 2],
      [1, '25%', '25%', 1, 0],
      [3, 0, 0, 0, 1],
      [3, '0%', '10%', 0, 1],
      [2, 1, 5, 1, 2],
    ];
    for (const [replicas, surge, unavailable, maxSurge, maxUnavailable] of cases) {
      const rollingUpdate = { maxSurge: surge, maxUnavailable: unavailable };
      assert.deepEqual(limits(deployment({ replicas, strategy: { rollingUpdate } })), { maxSurge, maxUnavailable });
    }
  });

  it('replaces all at once with Recreate, once nothing of the former runs', () => {
    const subject = deployment({ template: template('two'), strategy: { type: 'Recreate' } });
    assert.deepEqual(sizes(plan(subject, [sized('first', 'one', 4, 1)])), { first: 0 });
    const emptied = [sized('first', 'one', 0, 1)];
    assert.equal(plan(subject, emptied, true).create, undefined, 'pods are still ending');
    assert.equal(plan(subject, emptied).create?.spec.replicas, 4);
  });

  it('scales in the midst of a rollout in proportion, and while it is paused', () => {
    const sets = [sized('first', 'one', 8, 1, 10), sized('second', 'two', 5, 2, 10)];
    const more = deployment({ replicas: 20, template: template('two'), strategy: { rollingUpdate: { maxSurge: 3 } } });
    const grown = sizes(plan(more, sets));
    assert.equal((grown.first ?? 0) + (grown.second ?? 0), 23, 'replicas and surge');
    assert.ok((grown.first ?? 0) > (grown.second ?? 0), 'the larger one gets more');
    const paused = deployment({ replicas: 2, paused: true, template: template('three') });
    const result = plan(paused, [sized('first', 'one', 4, 1)]);
    assert.equal(result.create, undefined, 'nothing is rolled out');
    assert.deepEqual(sizes(result), { first: 2 });
  });

  it('does nothing when all is as it should be, or when it is being deleted', () => {
    const subject = deployment();
    const created = plan(subject, []).create;
    const set = { ...created, metadata: { ...created?.metadata, uid: 'u' } } as unknown as ReplicaSet;
    assert.deepEqual(plan(subject, [set]).update, []);
    const going = { ...subject, metadata: { ...subject.metadata, deletionTimestamp: 'now' } };
    assert.deepEqual(plan(going, []), { update: [] });
  });

  it('keeps as many former ReplicaSets as the limit says, the newest', () => {
    const sets = [1, 2, 3, 4].map((revision) =>
      sized(`r${revision}`, `image-${revision}`, revision === 4 ? 4 : 0, revision),
    );
    const subject = deployment({ template: template('image-4'), revisionHistoryLimit: 1 });
    assert.deepEqual(
      surplusHistory(subject, sets).map(({ metadata }) => metadata.name),
      ['r1', 'r2'],
    );
    const busy = sets.map((set) => (set.metadata.name === 'r1' ? { ...set, status: { replicas: 1 } } : set));
    assert.deepEqual(
      surplusHistory(subject, busy).map(({ metadata }) => metadata.name),
      ['r2', 'r3'],
      'one with pods stays',
    );
  });
});

describe('status of a Deployment', () => {
  const progressing = (subject: Deployment) => findCondition(subject.status?.conditions, 'Progressing');
  const after = (subject: Deployment, sets: readonly ReplicaSet[], nowMs = NOW): Deployment => {
    const { status } = planStatus(subject, sets, undefined, nowMs);
    return status === undefined ? subject : { ...subject, status };
  };
  const set = (available: number, updated = 4): ReplicaSet =>
    replicaSet(
      'web-1',
      { replicas: 4 },
      { status: { replicas: updated, availableReplicas: available, readyReplicas: available } },
    );

  it('progresses, completes and stays complete when a pod fails later', () => {
    const begun = after(deployment(), [set(1)]);
    assert.equal(progressing(begun)?.reason, 'ReplicaSetUpdated');
    assert.equal(findCondition(begun.status?.conditions, 'Available')?.status, 'False');
    const done = after(begun, [set(4)]);
    assert.equal(progressing(done)?.reason, 'NewReplicaSetAvailable');
    assert.equal(findCondition(done.status?.conditions, 'Available')?.status, 'True');
    const hurt = after(done, [set(3)]);
    assert.equal(progressing(hurt)?.reason, 'NewReplicaSetAvailable');
    assert.equal(hurt.status?.unavailableReplicas, 1);
    assert.equal(planStatus(hurt, [set(3)], undefined, NOW).status, undefined, 'and is not written again');
  });

  it('gives up when nothing has moved for the deadline, and goes on when something moves', () => {
    const subject = deployment({ progressDeadlineSeconds: 60 });
    const begun = after(subject, [set(1)]);
    assert.equal(planStatus(begun, [set(1)], undefined, NOW + 20_000).lookAgainAt, NOW + 60_000);
    const late = after(begun, [set(1)], NOW + 60_000);
    assert.deepEqual([progressing(late)?.status, progressing(late)?.reason], ['False', 'ProgressDeadlineExceeded']);
    assert.equal(progressing(after(late, [set(2)], NOW + 61_000))?.reason, 'ReplicaSetUpdated');
  });

  it('does not time out a rollout that begins long after the last one ended', () => {
    const done = after(after(deployment({ progressDeadlineSeconds: 60 }), [set(1)]), [set(4)]);
    const next = { ...done, spec: { ...done.spec, template: template('two') } };
    const empty = replicaSet('web-2', { replicas: 0, template: template('two') }, { status: { replicas: 0 } });
    assert.equal(progressing(after(next, [set(4), empty], NOW + 3_600_000))?.reason, 'ReplicaSetUpdated');
  });

  it('says that it is paused and resumed', () => {
    const paused = after(deployment({ paused: true }), [set(4)]);
    assert.deepEqual([progressing(paused)?.status, progressing(paused)?.reason], ['Unknown', 'DeploymentPaused']);
    const resumed = after({ ...paused, spec: { ...paused.spec, paused: false } }, [set(4)]);
    assert.equal(progressing(resumed)?.reason, 'DeploymentResumed');
  });

  it('shows the failure of a ReplicaSet', () => {
    const failure = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'no' } as const;
    const failing = replicaSet('web-1', { replicas: 4 }, { status: { conditions: [failure] } });
    const shown = findCondition(after(deployment(), [failing]).status?.conditions, 'ReplicaFailure');
    assert.deepEqual([shown?.status, shown?.message], ['True', 'no']);
  });
});
