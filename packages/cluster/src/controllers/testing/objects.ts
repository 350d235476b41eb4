import type { Deployment, Node, Pod, PodSpec, ReplicaSet, Service } from '../objects.ts';
import { controllerReference } from '../ownership.ts';
import { rfc3339 } from '../time.ts';

/** The moment at which tests of pure functions take place, in milliseconds. */
export const NOW = Date.parse('2030-01-01T00:00:00Z');

let serial = 0;

/** How a pod of a test differs from a ready one on node `n1`. */
export interface PodTraits {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly node?: string;
  readonly phase?: string;
  readonly ready?: boolean;
  /** Since when it is ready, in milliseconds. */
  readonly readyAt?: number;
  readonly createdAt?: number;
  readonly restarts?: number;
  readonly terminating?: boolean;
  readonly ip?: string;
  readonly owner?: Parameters<typeof controllerReference>[0];
  readonly finalizers?: readonly string[];
  readonly finishedAt?: number;
  readonly spec?: Partial<PodSpec>;
}

/** A pod: running and ready on node `n1` unless told otherwise. */
export const pod = (traits: PodTraits = {}): Pod => {
  serial += 1;
  const { phase = 'Running', ready = phase === 'Running', readyAt = NOW - 60_000, node = 'n1' } = traits;
  const terminated = { exitCode: 0, finishedAt: rfc3339(traits.finishedAt ?? NOW) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: traits.name ?? `pod-${serial}`,
      namespace: 'default',
      uid: `pod-uid-${traits.name ?? serial}`,
      resourceVersion: String(serial),
      creationTimestamp: rfc3339(traits.createdAt ?? NOW - 120_000),
      labels: traits.labels ?? { app: 'web' },
      ...(traits.annotations === undefined ? {} : { annotations: traits.annotations }),
      ...(traits.terminating === true ? { deletionTimestamp: rfc3339(NOW) } : {}),
      ...(traits.owner === undefined ? {} : { ownerReferences: [controllerReference(traits.owner)] }),
      ...(traits.finalizers === undefined ? {} : { finalizers: traits.finalizers }),
    },
    spec: { containers: [{ name: 'main' }], ...(node === '' ? {} : { nodeName: node }), ...traits.spec },
    status: {
      phase,
      ...(traits.ip === '' ? {} : { podIP: traits.ip ?? `10.0.0.${serial % 250}` }),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: rfc3339(readyAt) }],
      containerStatuses: [
        {
          name: 'main',
          restartCount: traits.restarts ?? 0,
          ...(phase === 'Succeeded' || phase === 'Failed' ? { state: { terminated } } : {}),
        },
      ],
    },
  };
};

/** A pod template with the label `app: web`. */
export const template = (image = 'one') => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image }] },
});

/** A Deployment `web` of one image. */
export const deployment = (spec: Partial<Deployment['spec']> = {}, more: Partial<Deployment> = {}): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', uid: 'deployment-uid', generation: 1, resourceVersion: '1' },
  spec: { replicas: 4, selector: { matchLabels: { app: 'web' } }, template: template(), ...spec },
  ...more,
});

/** A ReplicaSet with the label `app: web`. */
export const replicaSet = (
  name: string,
  spec: Partial<ReplicaSet['spec']> = {},
  more: { readonly status?: ReplicaSet['status']; readonly metadata?: object } = {},
): ReplicaSet => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name, namespace: 'default', uid: `${name}-uid`, generation: 1, resourceVersion: '1', ...more.metadata },
  spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: template(), ...spec },
  ...(more.status === undefined ? {} : { status: more.status }),
});

/** A node that is ready. */
export const node = (
  name: string,
  more: { labels?: Record<string, string>; spec?: Node['spec']; ready?: boolean; pods?: number } = {},
): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...more.labels } },
  ...(more.spec === undefined ? {} : { spec: more.spec }),
  status: {
    conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }],
    allocatable: { pods: String(more.pods ?? 110) },
  },
});

/** A service that selects `app: web`. */
export const service = (spec: NonNullable<Service['spec']> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default', uid: 'service-uid' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
});
