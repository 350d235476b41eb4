import type { KubeObject } from '@osm/kube';
import { bucketOf } from '../kinds/index.ts';
import type { ServedType } from '../types.ts';
import { BOOTSTRAP_ROLES } from './bootstrap-roles.ts';
import { withDefaults } from './conform.ts';
import { hooksOf } from './kind-hooks.ts';
import type { ApiState } from './state.ts';
import { prepareCreate } from './strategy.ts';
import { keyOf } from './target.ts';

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map(
  (name): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
);

const priority = (name: string, value: number, description: string): KubeObject => ({
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name },
  value,
  description,
});

const PRIORITIES = [
  priority('system-node-critical', 2_000_001_000, 'Used for pods that the node cannot do without.'),
  priority('system-cluster-critical', 2_000_000_000, 'Used for pods that the cluster cannot do without.'),
];

/** The service by which pods reach the API; it selects no pods, the node forwards its address to this server. */
const kubernetesService = (api: ApiState): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'kubernetes',
    namespace: 'default',
    labels: { component: 'apiserver', provider: 'kubernetes' },
  },
  spec: {
    type: 'ClusterIP',
    clusterIP: api.addresses.address(1),
    ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
  },
});

/** Adds what every cluster has from its first moment and is not there yet; what is there stays as it is. */
export const bootstrap = (api: ApiState): void => {
  for (const object of [...NAMESPACES, ...BOOTSTRAP_ROLES, ...PRIORITIES, kubernetesService(api)]) {
    const type = api.registry.findKind(object.apiVersion, object.kind);
    if (type === undefined) throw new Error(`${object.kind} (${object.apiVersion}) is not served`);
    add(api, type, object);
  }
};

/** Puts the API's own service back whenever it is deleted, as a real API server does. Returns the unsubscribe function. */
export const keepKubernetesService = (api: ApiState, onError: (error: unknown) => void): (() => void) =>
  api.store.subscribe('services', () => {
    if (api.store.get('services', 'default/kubernetes') !== undefined) return;
    // Not within the deletion that is being told of.
    setImmediate(() => {
      const type = api.registry.find('', 'v1', 'services');
      try {
        if (type !== undefined) add(api, type, kubernetesService(api));
      } catch (error) {
        onError(error);
      }
    });
  });

const add = (api: ApiState, type: ServedType, object: KubeObject): void => {
  const { name, namespace = '' } = object.metadata;
  const key = keyOf({ type, namespace, name });
  if (api.store.get(bucketOf(type), key) !== undefined) return;
  const prepared = withDefaults(type, prepareCreate(type, object, namespace, api.now()));
  const { object: final, faults } = hooksOf(type).beforeCreate(api, prepared);
  const [fault] = faults;
  if (fault !== undefined) throw new Error(`${object.kind} ${key}: ${fault.path}: ${fault.message}`);
  api.store.create(bucketOf(type), key, final);
};
