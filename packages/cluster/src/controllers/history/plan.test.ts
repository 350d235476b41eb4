import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Workload } from '../objects.ts';
import { template } from '../testing/objects.ts';
import type { ControllerRevision } from '../workload-objects.ts';
import { planHistory, surplusRevisions, templateOf } from './plan.ts';

const owner = (image: string): Workload => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'db', namespace: 'default', uid: 'set-uid' },
  spec: { template: template(image) },
});
const created = (image: string, before: readonly ControllerRevision[] = []): ControllerRevision => {
  const plan = planHistory(owner(image), before);
  assert.equal(plan.step, 'create');
  return plan.revision as unknown as ControllerRevision;
};

describe('history', () => {
  it('adds a revision for a template that is new, and none for one that is not', () => {
    const first = created('one');
    assert.deepEqual([first.revision, templateOf(first)], [1, template('one')]);
    assert.equal(planHistory(owner('one'), [first]).step, 'none');
    const second = created('two', [first]);
    assert.equal(second.revision, 2);
    assert.notEqual(second.metadata.name, first.metadata.name);
  });

  it('gives a template that is used again the newest number', () => {
    const first = created('one');
    const second = created('two', [first]);
    const plan = planHistory(owner('one'), [first, second]);
    assert.deepEqual(plan, { step: 'renumber', revision: { ...first, revision: 3 } });
  });

  it('takes another name when the name is taken', () => {
    const first = created('one');
    const squatter = { ...created('two'), metadata: { ...created('two').metadata, name: first.metadata.name } };
    assert.notEqual(created('one', [squatter]).metadata.name, first.metadata.name);
  });

  it('forgets the oldest beyond the limit, never what is used', () => {
    const all = ['a', 'b', 'c', 'd'].map((image, index) => ({ ...created(image), revision: index + 1 }));
    const used = new Set([all[0]?.metadata.name ?? '']);
    assert.deepEqual(
      surplusRevisions(all, used, 1).map(({ revision }) => revision),
      [2, 3],
    );
  });
});
