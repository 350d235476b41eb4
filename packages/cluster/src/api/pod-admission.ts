import type { KubeObject } from '@osm/kube';
import { at, list, number, record, text } from '../store/fields.ts';
import type { Store } from '../store/index.ts';
import { forbidden } from './errors.ts';
import { randomSuffix } from './strategy.ts';

const PODS = { group: '', resource: 'pods' } as const;
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Validity of the token in a pod, in seconds; the kubelet renews it long before. */
const TOKEN_SECONDS = 3607;

type Spec = Readonly<Record<string, unknown>>;

const denied = (pod: KubeObject, why: string) =>
  forbidden(PODS, pod.metadata.name || (pod.metadata.generateName ?? ''), why);

/** The projected volume that gives a pod its token, the cluster's certificate authority and its namespace. */
const tokenVolume = (name: string): object => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
});

const mountToken = (containers: unknown, volume: string): unknown =>
  list(containers).map((container) => {
    const mounts = list(at(container, 'volumeMounts'));
    if (mounts.some((mount) => at(mount, 'mountPath') === TOKEN_PATH)) return container;
    return {
      ...record(container),
      volumeMounts: [...mounts, { name: volume, mountPath: TOKEN_PATH, readOnly: true }],
    };
  });

const wantsToken = (spec: Spec, account: KubeObject): boolean => {
  const own = spec.automountServiceAccountToken;
  if (typeof own === 'boolean') return own;
  return account.automountServiceAccountToken !== false;
};

const withToken = (spec: Spec): Spec => {
  const volumes = list(spec.volumes);
  const present = volumes.find((volume) => text(at(volume, 'name')).startsWith('kube-api-access-'));
  const name = present === undefined ? `kube-api-access-${randomSuffix()}` : text(at(present, 'name'));
  return {
    ...spec,
    volumes: present === undefined ? [...volumes, tokenVolume(name)] : volumes,
    containers: mountToken(spec.containers, name),
    ...(spec.initContainers === undefined ? {} : { initContainers: mountToken(spec.initContainers, name) }),
  };
};

/**
 * The service account of a pod, made explicit: its name, its pull secrets and the volume with its token
 * (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#serviceaccount-admission-controller).
 * Throws Forbidden when the account does not exist.
 */
const admitServiceAccount = (store: Store, pod: KubeObject, namespace: string): KubeObject => {
  const spec = record(pod.spec);
  const name = text(spec.serviceAccountName) || text(spec.serviceAccount) || 'default';
  const account = store.get('serviceaccounts', `${namespace}/${name}`)?.object;
  if (account === undefined)
    throw denied(pod, `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`);
  const named: Spec = { ...spec, serviceAccountName: name, serviceAccount: name };
  const pulling: Spec =
    list(spec.imagePullSecrets).length === 0 && list(account.imagePullSecrets).length > 0
      ? { ...named, imagePullSecrets: account.imagePullSecrets }
      : named;
  return { ...pod, spec: wantsToken(spec, account) ? withToken(pulling) : pulling };
};

/** The priority of a pod, resolved from its class or the cluster's default. Throws Forbidden for an unknown class. */
const admitPriority = (store: Store, pod: KubeObject): KubeObject => {
  const spec = record(pod.spec);
  const asked = text(spec.priorityClassName);
  const bucket = 'priorityclasses.scheduling.k8s.io';
  const found =
    asked === '' ? store.list(bucket).find(({ object }) => object.globalDefault === true) : store.get(bucket, asked);
  if (found === undefined && asked !== '') throw denied(pod, `no PriorityClass with name ${asked} was found`);
  const value = number(found?.object.value);
  if (typeof spec.priority === 'number' && spec.priority !== value)
    throw denied(
      pod,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller ` +
        `computed ${value} from the given PriorityClass name`,
    );
  return {
    ...pod,
    spec: {
      ...spec,
      ...(found === undefined ? {} : { priorityClassName: found.object.metadata.name }),
      priority: value,
      preemptionPolicy: spec.preemptionPolicy ?? found?.object.preemptionPolicy ?? 'PreemptLowerPriority',
    },
  };
};

const TOLERATED = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** Pods stay five minutes on a node that is not ready or not reachable, unless they say otherwise. */
const admitTolerations = (pod: KubeObject): KubeObject => {
  const spec = record(pod.spec);
  const present = list(spec.tolerations);
  const missing = TOLERATED.filter(
    (key) =>
      !present.some((toleration) => {
        const tolerated = at(toleration, 'key');
        const effect = at(toleration, 'effect');
        return (tolerated === key || tolerated === undefined) && (effect === 'NoExecute' || effect === undefined);
      }),
  );
  if (missing.length === 0) return pod;
  const added = missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }));
  return { ...pod, spec: { ...spec, tolerations: [...present, ...added] } };
};

/** What the API server itself adds to every new pod, before webhooks see it. Throws Forbidden. */
export const admitPod = (store: Store, pod: KubeObject, namespace: string): KubeObject =>
  admitTolerations(admitPriority(store, admitServiceAccount(store, pod, namespace)));
