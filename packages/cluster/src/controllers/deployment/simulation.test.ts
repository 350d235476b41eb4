import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Deployment, Pod, ReplicaSet } from '../objects.ts';
import { isActive, isReady } from '../pod-facts.ts';
import { planReplicaSet } from '../replica-set/plan.ts';
import { deployment, NOW, pod, template } from '../testing/objects.ts';
import { divide, planDeployment, planStatus } from './plan.ts';
import { limits, replicasOf } from './rolling.ts';

/** A cluster of values: what the plans want is done at once, statuses are as late as the schedule makes them. */
class Simulation {
  deployment: Deployment;
  sets: readonly ReplicaSet[] = [];
  pods: readonly Pod[] = [];
  #serial = 0;

  constructor(first: Deployment) {
    this.deployment = first;
  }

  stepDeployment(): boolean {
    const plan = planDeployment({ deployment: this.deployment, sets: this.sets, oldPodsRun: false });
    if (plan.create !== undefined) {
      this.#serial += 1;
      const { name } = plan.create.metadata;
      const created = { ...plan.create, metadata: { ...plan.create.metadata, uid: `${name}-uid`, generation: 1 } };
      this.sets = [...this.sets, { ...created, status: {} } as unknown as ReplicaSet];
    }
    for (const { set, to } of plan.update)
      this.sets = this.sets.map((each) => (each.metadata.uid === set.metadata.uid ? to : each));
    const { status } = planStatus(this.deployment, this.sets, undefined, NOW);
    if (status !== undefined) this.deployment = { ...this.deployment, status };
    return plan.create !== undefined || plan.update.length > 0;
  }

  stepSet(index: number): boolean {
    const set = this.sets[index % this.sets.length];
    if (set === undefined) return false;
    const mine = this.pods.filter((each) => each.metadata.ownerReferences?.[0]?.uid === set.metadata.uid);
    const plan = planReplicaSet({ set, candidates: mine, nowMs: NOW });
    const going = new Set(plan.remove);
    this.pods = this.pods.filter((each) => !going.has(each));
    for (let count = 0; count < plan.create; count += 1)
      this.pods = [...this.pods, pod({ owner: set, ready: false, labels: { ...set.spec.selector.matchLabels } })];
    const after = this.pods.filter((each) => each.metadata.ownerReferences?.[0]?.uid === set.metadata.uid);
    const { status } = planReplicaSet({ set, candidates: after, nowMs: NOW });
    if (status !== undefined) this.sets = this.sets.map((each) => (each === set ? { ...set, status } : each));
    return plan.create > 0 || plan.remove.length > 0 || status !== undefined;
  }

  ready(index: number): boolean {
    const waiting = this.pods.filter((each) => !isReady(each));
    const chosen = waiting[index % waiting.length];
    if (chosen === undefined) return false;
    const status = { ...chosen.status, conditions: [{ type: 'Ready', status: 'True' as const }] };
    this.pods = this.pods.map((each) => (each === chosen ? { ...each, status } : each));
    return true;
  }

  /** Everything that can happen, until nothing does. */
  settle(each: () => void): void {
    for (let round = 0; round < 1000; round += 1) {
      let moved = this.stepDeployment();
      each();
      for (let index = 0; index < this.sets.length; index += 1) moved = this.stepSet(index) || moved;
      each();
      moved = this.ready(0) || moved;
      each();
      if (!moved) return;
    }
    assert.fail('the rollout does not come to rest');
  }
}

const percent = fc.integer({ min: 0, max: 100 }).map((value) => `${value}%`);
const amount = fc.oneof(fc.integer({ min: 0, max: 5 }), percent);

describe('rolling update, simulated', () => {
  it('keeps within maxSurge and maxUnavailable in whatever order things happen, and comes to its end', () => {
    const step = fc.tuple(fc.constantFrom('deployment', 'set', 'ready', 'template'), fc.nat(20));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        amount,
        amount,
        fc.array(step, { maxLength: 80 }),
        (replicas, maxSurge, maxUnavailable, steps) => {
          const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
          const simulation = new Simulation(deployment({ replicas, strategy }));
          simulation.settle(() => {});
          const bounds = limits(simulation.deployment);
          const check = (): void => {
            const active = simulation.pods.filter(isActive);
            const ready = active.filter(isReady).length;
            assert.ok(
              ready >= replicas - bounds.maxUnavailable,
              `${ready} of ${replicas} ready, ${bounds.maxUnavailable} may be missing`,
            );
            assert.ok(
              active.length <= replicas + bounds.maxSurge,
              `${active.length} pods, ${replicas}+${bounds.maxSurge} are allowed`,
            );
          };
          check();
          simulation.deployment = {
            ...simulation.deployment,
            spec: { ...simulation.deployment.spec, template: template('image') },
          };
          let images = 0;
          for (const [kind, index] of steps) {
            if (kind === 'deployment') simulation.stepDeployment();
            else if (kind === 'set') simulation.stepSet(index);
            else if (kind === 'ready') simulation.ready(index);
            else {
              images += 1;
              const { spec } = simulation.deployment;
              simulation.deployment = {
                ...simulation.deployment,
                spec: { ...spec, template: template(`image-${images % 3}`) },
              };
            }
            check();
          }
          simulation.settle(check);
          const { next, old } = divide(simulation.deployment, simulation.sets);
          assert.ok(next);
          assert.equal(replicasOf(next), replicas);
          assert.ok(old.every((set) => replicasOf(set) === 0));
          assert.equal(simulation.pods.length, replicas);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('comes to rest at the new size when it is scaled in the midst of a rollout', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 20 }),
        fc.nat(12),
        (before, after, progress) => {
          const simulation = new Simulation(deployment({ replicas: before }));
          simulation.settle(() => {});
          const with_ = (spec: Partial<Deployment['spec']>): void => {
            simulation.deployment = { ...simulation.deployment, spec: { ...simulation.deployment.spec, ...spec } };
          };
          with_({ template: template('two') });
          for (let step = 0; step < progress; step += 1) {
            simulation.stepDeployment();
            simulation.stepSet(step);
            if (step % 3 === 0) simulation.ready(step);
          }
          with_({ replicas: after });
          simulation.settle(() => {});
          assert.equal(simulation.pods.length, after);
          const { old } = divide(simulation.deployment, simulation.sets);
          assert.ok(old.every((set) => replicasOf(set) === 0));
        },
      ),
      { numRuns: 200 },
    );
  });
});
