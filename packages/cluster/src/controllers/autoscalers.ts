import { type KubeObject, objectKey, TYPES } from '@osm/kube';
import { at, number, sameJson } from '../store/fields.ts';
import { withCondition } from './conditions.ts';
import { type Controller, type ControllerContext, neighbour } from './context.ts';
import { startLoop } from './loop.ts';
import type { Mirror } from './mirror.ts';
import { AUTOSCALERS } from './resource-types.ts';
import type { HorizontalPodAutoscaler } from './workload-objects.ts';

const NO_METRICS =
  'the HPA was unable to compute the replica count: this cluster has no metrics API; scale by hand or run on Kubernetes';

/** The status of an autoscaler that has nothing to go by. `replicas` is what the target has; undefined when there is no target. */
export const autoscalerStatus = (
  autoscaler: HorizontalPodAutoscaler,
  replicas: number | undefined,
  nowMs: number,
): NonNullable<HorizontalPodAutoscaler['status']> => {
  const { kind, name } = autoscaler.spec.scaleTargetRef;
  const conditions = withCondition(
    withCondition(
      autoscaler.status?.conditions,
      replicas === undefined
        ? {
            type: 'AbleToScale',
            status: 'False',
            reason: 'FailedGetScale',
            message: `the HPA controller was unable to get the target's current scale: ${kind} "${name}" not found`,
          }
        : {
            type: 'AbleToScale',
            status: 'True',
            reason: 'SucceededGetScale',
            message: "the HPA controller was able to get the target's current scale",
          },
      nowMs,
    ),
    { type: 'ScalingActive', status: 'False', reason: 'FailedGetResourceMetric', message: NO_METRICS },
    nowMs,
  );
  return {
    ...(autoscaler.metadata.generation === undefined ? {} : { observedGeneration: autoscaler.metadata.generation }),
    currentReplicas: replicas ?? 0,
    desiredReplicas: replicas ?? 0,
    currentMetrics: null,
    conditions,
  };
};

/** Tells of every autoscaler that it has no metrics; it scales nothing. */
export const startAutoscalers = (context: ControllerContext): Controller => {
  const { mirrors } = context;
  const autoscalers = mirrors.of<HorizontalPodAutoscaler>(AUTOSCALERS);
  const targets = new Map<string, Mirror<KubeObject>>([
    ['Deployment', mirrors.deployments as unknown as Mirror<KubeObject>],
    ['ReplicaSet', mirrors.replicaSets as unknown as Mirror<KubeObject>],
    ['StatefulSet', mirrors.of(TYPES.statefulSets)],
  ]);
  const recorder = context.recorder('horizontal-pod-autoscaler');
  const loop = startLoop(context, {
    name: 'autoscaler',
    async reconcile(key) {
      const autoscaler = autoscalers.get(key);
      if (autoscaler === undefined) return undefined;
      const { kind, name } = autoscaler.spec.scaleTargetRef;
      const target = targets.get(kind)?.get(neighbour(autoscaler, name));
      const replicas = target === undefined ? undefined : number(at(target, 'spec', 'replicas'), 1);
      const status = autoscalerStatus(autoscaler, replicas, context.now());
      if (sameJson(withoutNull(status), withoutNull(autoscaler.status ?? {}))) return undefined;
      recorder.record(autoscaler, 'Warning', 'FailedGetResourceMetric', NO_METRICS);
      await autoscalers.updateStatus(autoscaler, status);
      return undefined;
    },
  });
  const ends = [
    autoscalers.subscribe(({ object }) => loop.add(objectKey(object))),
    ...[...targets.values()].map((target) =>
      target.subscribe(({ object }) => {
        for (const [key, { metadata, spec }] of autoscalers.objects)
          if (metadata.namespace === object.metadata.namespace && spec.scaleTargetRef.name === object.metadata.name)
            loop.add(key);
      }),
    ),
  ];
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
};

const withoutNull = ({ currentMetrics: _currentMetrics, ...rest }: NonNullable<HorizontalPodAutoscaler['status']>) =>
  rest;
