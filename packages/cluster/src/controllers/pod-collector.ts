import { ApiError, TYPES } from '@osm/kube';
import type { Controller, ControllerContext } from './context.ts';
import { startLoop } from './loop.ts';
import type { Pod } from './objects.ts';
import { isFinished } from './pod-facts.ts';

/** A node that is gone may come back under its name within this time, in milliseconds. */
const QUARANTINE_MS = 40_000;
/** Ended pods are kept for their logs, as many as this. */
const KEPT = 1000;

/** The oldest ended pods beyond `keep`. */
export const surplusEnded = (pods: Iterable<Pod>, keep: number): readonly Pod[] => {
  const ended = [...pods].filter(isFinished);
  if (ended.length <= keep) return [];
  return ended
    .sort((left, right) =>
      (left.metadata.creationTimestamp ?? '') < (right.metadata.creationTimestamp ?? '') ? -1 : 1,
    )
    .slice(0, ended.length - keep);
};

/** Removes pods of nodes that are no more, and ended pods when there are too many (Kubernetes docs, "Pod garbage collection"). */
export const startPodCollector = (context: ControllerContext): Controller => {
  const { client, mirrors } = context;
  const { pods, nodes, podsByNode } = mirrors;
  const remove = (pod: Pod): Promise<void> => pods.delete(pod, { gracePeriodSeconds: 0 });
  let ended = 0;
  const loop = startLoop(context, {
    name: 'podgc',
    concurrency: 2,
    async reconcile(key) {
      if (key === ENDED) {
        const surplus = surplusEnded(pods.objects.values(), KEPT);
        for (const pod of surplus) await remove(pod);
        ended = [...pods.objects.values()].filter(isFinished).length;
        return undefined;
      }
      const node = key.slice(NODE.length);
      if (nodes.get(node) !== undefined || podsByNode.count(node) === 0) return undefined;
      const there = await client.get(TYPES.nodes, node).then(
        () => true,
        (error: unknown) => {
          if (error instanceof ApiError && error.code === 404) return false;
          throw error;
        },
      );
      if (!there) for (const pod of podsByNode.of(node)) await remove(pod);
      return undefined;
    },
  });
  const ends = [
    nodes.subscribe(({ type, object }) => {
      if (type === 'deleted') loop.addAfter(`${NODE}${object.metadata.name}`, QUARANTINE_MS);
    }),
    pods.subscribe((change) => {
      const { object } = change;
      const node = object.spec.nodeName ?? '';
      if (change.type === 'added' && node !== '' && nodes.get(node) === undefined)
        loop.addAfter(`${NODE}${node}`, QUARANTINE_MS);
      const before = change.type === 'updated' && isFinished(change.old);
      if (change.type === 'deleted' || before || !isFinished(object)) return;
      ended += 1;
      if (ended > KEPT) loop.add(ENDED);
    }),
  ];
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
};

const ENDED = 'ended';
const NODE = 'node/';
