import type { KubeObject } from '@osm/kube';
import { bucketOf } from '../kinds/index.ts';
import { matchesSelector } from '../selectors/label-match.ts';
import { at, isRecord, number, record, strings, text } from '../store/fields.ts';
import { checkNamespace } from './admit.ts';
import { deleteByRequest } from './delete.ts';
import { badRequest, conflict, forbidden, invalid, notFound, StatusError } from './errors.ts';
import { readDryRun } from './options.ts';
import { type ApiState, type RequestContext, timestamp } from './state.ts';
import { mustFind, type Target } from './target.ts';

const BUDGETS = 'poddisruptionbudgets.policy';

const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as const;

/** True when the pod's end disturbs nobody: it is over already. */
const isOver = (pod: KubeObject): boolean =>
  ['Succeeded', 'Failed'].includes(text(at(pod, 'status', 'phase'))) || pod.metadata.deletionTimestamp !== undefined;

/**
 * Takes one disruption from the budget that covers the pod. Throws TooManyRequests when it has none left
 * (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/).
 */
const spendBudget = (api: ApiState, pod: KubeObject, dryRun: boolean): void => {
  const { namespace = '', name } = pod.metadata;
  const covering = api.store
    .list(BUDGETS, namespace)
    .filter(({ object }) => matchesSelector(at(object, 'spec', 'selector'), pod.metadata.labels));
  const [budget, second] = covering;
  if (budget === undefined) return;
  if (second !== undefined)
    throw new StatusError(
      500,
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  const allowed = number(at(budget.object, 'status', 'disruptionsAllowed'));
  if (allowed <= 0) throw violated(budget.object);
  if (dryRun) return;
  const status = record(budget.object.status);
  const disruptedPods = { ...record(status.disruptedPods), [name]: timestamp(api.now()) };
  api.store.replace(
    BUDGETS,
    budget.key,
    { ...budget.object, status: { ...status, disruptionsAllowed: allowed - 1, disruptedPods } },
    budget.revision,
  );
};

const violated = (budget: KubeObject): StatusError => {
  const wanted = number(at(budget, 'status', 'desiredHealthy'));
  const current = number(at(budget, 'status', 'currentHealthy'));
  return new StatusError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [
      {
        reason: 'DisruptionBudget',
        message: `The disruption budget ${budget.metadata.name} needs ${wanted} healthy pods and has ${current} currently`,
      },
    ],
  });
};

/** POST of pods/eviction. Throws StatusError. */
export const evict = async (api: ApiState, target: Target, context: RequestContext, body: unknown): Promise<object> => {
  if (!isRecord(body) || (body.kind !== undefined && body.kind !== 'Eviction'))
    throw badRequest('the body of an eviction must be a policy/v1 Eviction');
  const pod = mustFind(api, target).object;
  const options = record(body.deleteOptions);
  const dryRun = readDryRun(Array.isArray(options.dryRun) ? options.dryRun : context.query.getAll('dryRun'));
  if (!isOver(pod)) spendBudget(api, pod, dryRun);
  await deleteByRequest(
    api,
    { ...target, subresource: '' },
    context,
    dryRun ? { ...options, dryRun: ['All'] } : options,
  );
  return success;
};

/** POST of pods/binding: puts a pod on a node, once. Throws StatusError. */
export const bind = (api: ApiState, target: Target, context: RequestContext, body: unknown): object => {
  const stored = mustFind(api, target);
  const pod = stored.object;
  const node = text(at(body, 'target', 'name'));
  if (node === '') throw badRequest('Binding: target.name must name a node');
  checkNamespace(api, {
    target,
    operation: 'UPDATE',
    object: pod,
    old: pod,
    user: context.user,
    dryRun: false,
    options: {},
    signal: context.signal,
    warn: () => undefined,
  });
  const why = (text: string) => conflict({ group: '', resource: 'pods/binding' }, target.name, text);
  if (pod.metadata.deletionTimestamp !== undefined)
    throw why(`pod ${target.name} is being deleted, cannot be assigned to a host`);
  const present = text(at(pod, 'spec', 'nodeName'));
  if (present !== '') throw why(`pod ${target.name} is already assigned to node "${present}"`);
  if (readDryRun(context.query.getAll('dryRun'))) return success;
  const annotations = strings(at(body, 'metadata', 'annotations'));
  const conditions = [
    { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: timestamp(api.now()) },
  ];
  api.store.replace(
    bucketOf(target.type),
    stored.key,
    {
      ...pod,
      metadata: {
        ...pod.metadata,
        ...(Object.keys(annotations).length === 0
          ? {}
          : { annotations: { ...pod.metadata.annotations, ...annotations } }),
      },
      spec: { ...record(pod.spec), nodeName: node },
      status: {
        ...record(pod.status),
        conditions: [
          ...((at(pod, 'status', 'conditions') as unknown[] | undefined) ?? []).filter(
            (condition) => at(condition, 'type') !== 'PodScheduled',
          ),
          ...conditions,
        ],
      },
    },
    stored.revision,
  );
  return success;
};

const BOUND_KINDS: Readonly<Record<string, string>> = { Pod: 'pods', Secret: 'secrets', Node: 'nodes' };

/** Shortest and longest life of a token, in seconds. */
const TOKEN_SECONDS = { least: 600, most: 2 ** 32 } as const;

/** POST of serviceaccounts/token: issues a token bound to the account and what the request names. Throws StatusError. */
export const requestToken = (api: ApiState, target: Target, context: RequestContext, body: unknown): object => {
  const account = mustFind(api, target).object;
  const spec = record(at(body, 'spec'));
  const reference = spec.boundObjectRef;
  const asked = Array.isArray(spec.audiences)
    ? spec.audiences.filter((item) => typeof item === 'string' && item !== '')
    : [];
  const audiences = asked.length === 0 ? [api.tokens.issuer] : (asked as string[]);
  const seconds = number(spec.expirationSeconds, 3600);
  if (seconds < TOKEN_SECONDS.least || seconds > TOKEN_SECONDS.most)
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', [
      {
        path: 'spec.expirationSeconds',
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${seconds}: ${seconds < TOKEN_SECONDS.least ? 'may not specify a duration less than 10 minutes' : 'may not specify a duration larger than 2^32 seconds'}`,
      },
    ]);
  const subject = { name: account.metadata.name, uid: account.metadata.uid ?? '' };
  const binding = {
    namespace: target.namespace,
    serviceAccount: subject,
    ...boundTo(api, target, account, reference),
  };
  const { token, expires } = api.tokens.issue(binding, audiences, seconds, api.now());
  const dryRun = readDryRun(context.query.getAll('dryRun'));
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: {
      name: target.name,
      namespace: target.namespace,
      creationTimestamp: timestamp(api.now()),
    },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: reference ?? null },
    status: dryRun ? {} : { token, expirationTimestamp: timestamp(expires) },
  };
};

const boundTo = (api: ApiState, target: Target, account: KubeObject, reference: unknown) => {
  if (reference === undefined || reference === null) return {};
  const kind = text(at(reference, 'kind'));
  const name = text(at(reference, 'name'));
  const resource = BOUND_KINDS[kind];
  if (resource === undefined)
    throw badRequest(
      `TokenRequest: cannot bind token for serviceaccount to object of kind "${kind}": only Pod, Secret and Node can be`,
    );
  const found = api.store.get(resource, kind === 'Node' ? name : `${target.namespace}/${name}`)?.object;
  if (found === undefined) throw notFound({ group: '', resource }, name);
  const uid = text(at(reference, 'uid'));
  if (uid !== '' && uid !== found.metadata.uid)
    throw conflict(
      { group: '', resource },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record (${found.metadata.uid ?? ''})`,
    );
  if (kind === 'Pod' && at(found, 'spec', 'serviceAccountName') !== account.metadata.name)
    throw forbidden(
      { group: '', resource: 'serviceaccounts/token' },
      target.name,
      `cannot bind token for serviceaccount "${account.metadata.name}" to pod running with different serviceaccount name.`,
    );
  const bound = { name, uid: found.metadata.uid ?? '' };
  if (kind === 'Secret') return { secret: bound };
  if (kind === 'Node') return { node: bound };
  const node = text(at(found, 'spec', 'nodeName'));
  const nodeUid = node === '' ? undefined : api.store.get('nodes', node)?.object.metadata.uid;
  return { pod: bound, ...(nodeUid === undefined ? {} : { node: { name: node, uid: nodeUid } }) };
};
