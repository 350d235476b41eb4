import { ApiError, objectKey } from '@osm/kube';
import { matchesSelector } from '../../selectors/label-match.ts';
import { isNamespaceGoing } from '../api-faults.ts';
import { type Controller, type ControllerContext, neighbour } from '../context.ts';
import { startLoop } from '../loop.ts';
import type { Deployment, ReplicaSet } from '../objects.ts';
import { claim, controllerOf, withController, withoutOwner } from '../ownership.ts';
import { isFinished } from '../pod-facts.ts';
import { followPods } from '../pods/follow.ts';
import { type DeploymentPlan, divide, isSameSet, planDeployment, planStatus, surplusHistory } from './plan.ts';
import { ANNOTATIONS, selectsItself } from './revision.ts';
import { replicasOf } from './rolling.ts';
import { PROGRESS, type StatusFacts } from './status.ts';

const COMPONENT = 'deployment-controller';

/** Rolls out Deployments by ReplicaSets. */
export const startDeployments = (context: ControllerContext): Controller => {
  const { deployments, replicaSets, pods, podsByController } = context.mirrors;
  const recorder = context.recorder(COMPONENT);
  const setsByNamespace = replicaSets.index((set) => [set.metadata.namespace ?? '']);
  const byNamespace = deployments.index((deployment) => [deployment.metadata.namespace ?? '']);

  /** The ReplicaSets of a Deployment, having adopted and released what it may. */
  const claimSets = async (deployment: Deployment): Promise<readonly ReplicaSet[]> => {
    const { metadata, spec } = deployment;
    const { owned, adopt, release } = claim(deployment, spec.selector, setsByNamespace.of(metadata.namespace ?? ''));
    const write = (set: ReplicaSet, ownerReferences: readonly object[]) => {
      const { uid, resourceVersion } = set.metadata;
      return replicaSets.patch(set, 'merge', { metadata: { uid, resourceVersion, ownerReferences } });
    };
    await Promise.all(release.map((set) => write(set, withoutOwner(set, metadata.uid ?? ''))));
    const adopted = await Promise.all(adopt.map((set) => write(set, withController(set, deployment))));
    return [...owned, ...adopted];
  };

  const oldPodsRun = (deployment: Deployment, sets: readonly ReplicaSet[]): boolean =>
    deployment.spec.strategy?.type === 'Recreate' &&
    divide(deployment, sets).old.some((set) =>
      podsByController.of(set.metadata.uid ?? '').some((pod) => !isFinished(pod)),
    );

  const tellScaled = (deployment: Deployment, name: string, from: number, to: number): void => {
    if (from === to) return;
    const verb = to > from ? 'up' : 'down';
    recorder.record(
      deployment,
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${verb} replica set ${name} from ${from} to ${to}`,
    );
  };

  const create = async (
    deployment: Deployment,
    set: NonNullable<DeploymentPlan['create']>,
  ): Promise<StatusFacts['event']> => {
    const { name } = set.metadata;
    try {
      const { spec } = await replicaSets.create(set);
      tellScaled(deployment, name, 0, spec.replicas ?? 0);
      return { reason: PROGRESS.created, message: `Created new replica set "${name}"` };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.reason === 'AlreadyExists') {
        await resolveCollision(deployment, name);
        return undefined;
      }
      if (error.code === 0 || error.code === 409 || isNamespaceGoing(error)) throw error;
      recorder.record(
        deployment,
        'Warning',
        'ReplicaSetCreateError',
        `Failed to create new replica set "${name}": ${error.message}`,
      );
      return { reason: PROGRESS.failed, message: error.message, failed: true };
    }
  };

  /** The name is taken: by the very set (then all is well, the cache was behind), or by another, then the next name is another one. */
  const resolveCollision = async (deployment: Deployment, name: string): Promise<void> => {
    const { namespace = '' } = deployment.metadata;
    const present = await context.client.get<ReplicaSet>(replicaSets.informer.type, name, { namespace });
    if (isSameSet(deployment, present)) return;
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await deployments.updateStatus(deployment, { ...deployment.status, collisionCount });
  };

  const apply = async (deployment: Deployment, plan: DeploymentPlan): Promise<StatusFacts['event']> => {
    const event = plan.create === undefined ? undefined : await create(deployment, plan.create);
    await Promise.all(
      plan.update.map(async ({ set, to }) => {
        await replicaSets.update(to);
        tellScaled(deployment, set.metadata.name, replicasOf(set), replicasOf(to));
      }),
    );
    return event;
  };

  const reconcile = async (key: string): Promise<number | undefined> => {
    const seen = deployments.get(key);
    if (seen === undefined) return undefined;
    if (!selectsItself(seen)) {
      recorder.record(seen, 'Warning', 'InvalidSelector', 'spec.selector does not match the labels of spec.template');
      return undefined;
    }
    const sets = await claimSets(seen);
    const plan = planDeployment({ deployment: seen, sets, oldPodsRun: oldPodsRun(seen, sets) });
    const event = await apply(seen, plan);
    const shown = deployments.get(key);
    if (shown === undefined || shown.metadata.uid !== seen.metadata.uid) return undefined;
    const { revision } = plan;
    let current = shown;
    if (revision !== undefined && shown.metadata.annotations?.[ANNOTATIONS.revision] !== revision) {
      const { uid, resourceVersion } = shown.metadata;
      const annotations = { [ANNOTATIONS.revision]: revision };
      current = await deployments.patch(shown, 'merge', { metadata: { uid, resourceVersion, annotations } });
    }
    const now = setsByNamespace
      .of(current.metadata.namespace ?? '')
      .filter((set) => controllerOf(set)?.uid === current.metadata.uid);
    await Promise.all(surplusHistory(current, now).map((set) => replicaSets.delete(set)));
    const { status, lookAgainAt } = planStatus(current, now, event, context.now());
    if (status !== undefined) await deployments.updateStatus(current, status);
    return lookAgainAt === undefined ? undefined : lookAgainAt - context.now();
  };

  const loop = startLoop(context, { name: 'deployment', reconcile });
  const ends = [
    deployments.subscribe(({ object }) => loop.add(objectKey(object))),
    replicaSets.subscribe(({ object }) => {
      const owner = controllerOf(object);
      if (owner?.kind === 'Deployment') loop.add(neighbour(object, owner.name));
      if (owner !== undefined) return;
      for (const deployment of byNamespace.of(object.metadata.namespace ?? ''))
        if (matchesSelector(deployment.spec.selector, object.metadata.labels)) loop.add(objectKey(deployment));
    }),
    followPods(pods, 'ReplicaSet', {
      owner(key, { type, object }) {
        // Only Recreate waits for pods to end; everything else it learns from the ReplicaSets.
        if (type !== 'deleted' && !isFinished(object)) return;
        const set = replicaSets.get(key);
        const owner = set && controllerOf(set);
        if (set === undefined || owner?.kind !== 'Deployment') return;
        const deployment = deployments.get(neighbour(set, owner.name));
        if (deployment?.spec.strategy?.type === 'Recreate') loop.add(objectKey(deployment));
      },
    }),
  ];
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
};
