import { objectKey, TYPES } from '@osm/kube';
import { findCondition, withCondition } from '../conditions.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { startLoop } from '../loop.ts';
import type { Node, Pod } from '../objects.ts';
import { controllerOf } from '../ownership.ts';
import { isActive, isFinished, isTerminating } from '../pod-facts.ts';
import { type Candidate, chooseNode } from './choose-node.ts';

const DEFAULT_SCHEDULER = 'default-scheduler';

/** Whether the pod waits for this scheduler. */
const wantsNode = (pod: Pod): boolean =>
  (pod.spec.nodeName ?? '') === '' &&
  (pod.spec.schedulerName ?? DEFAULT_SCHEDULER) === DEFAULT_SCHEDULER &&
  !isTerminating(pod) &&
  !isFinished(pod);

/** Puts pods on nodes. */
export const startScheduler = (context: ControllerContext): Controller => {
  const { client, mirrors } = context;
  const { pods, nodes } = mirrors;
  const recorder = context.recorder(DEFAULT_SCHEDULER);

  // Kept as indexes: a choice costs as many steps as there are nodes, however many pods they carry.
  const running = pods.index((pod) => (isFinished(pod) ? [] : [pod.spec.nodeName ?? '']));
  const siblings = pods.index((pod) => {
    const owner = controllerOf(pod);
    return owner === undefined || !isActive(pod) ? [] : [`${owner.uid} ${pod.spec.nodeName ?? ''}`];
  });
  const candidates = (pod: Pod): readonly Candidate[] => {
    const owner = controllerOf(pod);
    return [...nodes.objects.values()].map((node: Node) => {
      const { name } = node.metadata;
      const same = owner === undefined ? 0 : siblings.count(`${owner.uid} ${name}`);
      return { node, pods: running.count(name), siblings: same };
    });
  };

  const bind = async (pod: Pod, node: string): Promise<void> => {
    const { name, namespace = '', uid } = pod.metadata;
    // From here on the node is taken into account as being used, before the server has answered.
    const undo = pods.assume({ ...pod, spec: { ...pod.spec, nodeName: node } });
    try {
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      };
      await client.create(TYPES.pods, binding, { namespace, name, subresource: 'binding' });
    } catch (error) {
      undo();
      throw error;
    }
    recorder.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`);
  };

  const refuse = async (pod: Pod, reason: string, message: string): Promise<void> => {
    const before = findCondition(pod.status?.conditions, 'PodScheduled');
    if (before?.status === 'False' && before.reason === reason && before.message === message) return;
    if (reason === 'Unschedulable') recorder.record(pod, 'Warning', 'FailedScheduling', message);
    const conditions = withCondition(
      pod.status?.conditions,
      { type: 'PodScheduled', status: 'False', reason, message },
      context.now(),
    );
    const { uid, resourceVersion } = pod.metadata;
    await pods.patch(pod, 'merge', { metadata: { uid, resourceVersion }, status: { conditions } }, 'status');
  };

  const waiting = new Set<string>();
  const loop = startLoop(context, {
    name: 'scheduler',
    async reconcile(key) {
      const pod = pods.get(key);
      waiting.delete(key);
      if (pod === undefined || !wantsNode(pod)) return undefined;
      if ((pod.spec.schedulingGates ?? []).length > 0) {
        await refuse(pod, 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates');
        return undefined;
      }
      const choice = chooseNode(pod, candidates(pod));
      if ('node' in choice) {
        await bind(pod, choice.node);
        return undefined;
      }
      waiting.add(key);
      await refuse(pod, 'Unschedulable', choice.unschedulable);
      return undefined;
    },
  });
  const wake = (): void => {
    for (const key of waiting) loop.add(key);
  };

  const ends = [
    pods.subscribe(({ type, object }) => {
      if (type === 'deleted') waiting.delete(objectKey(object));
      else if (wantsNode(object)) loop.add(objectKey(object));
      // Room on a node.
      if (waiting.size > 0 && (type === 'deleted' || isFinished(object))) wake();
    }),
    nodes.subscribe((change) => {
      if (change.type === 'updated' && !matters(change.old, change.object)) return;
      wake();
    }),
  ];
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
};

/** Whether a change of a node can make room: heartbeats do not. */
const matters = (old: Node, next: Node): boolean =>
  JSON.stringify([old.spec, old.metadata.labels, old.status?.allocatable, readiness(old)]) !==
  JSON.stringify([next.spec, next.metadata.labels, next.status?.allocatable, readiness(next)]);

const readiness = (node: Node): string | undefined => findCondition(node.status?.conditions, 'Ready')?.status;
