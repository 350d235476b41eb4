import type { KubeObject } from '@osm/kube';
import { at } from '../store/fields.ts';
import type { UserInfo } from '../types.ts';
import { forbidden, notFound, StatusError } from './errors.ts';
import { admitPod } from './pod-admission.ts';
import type { ApiState } from './state.ts';
import type { Target } from './target.ts';

/** One write on its way through admission. */
export interface AdmissionCall {
  readonly target: Target;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions of the request. */
  readonly options: object;
  readonly signal: AbortSignal;
  warn(message: string): void;
}

/** Namespaces that the cluster cannot be without. */
const IMMORTAL = new Set(['default', 'kube-system', 'kube-public']);

/**
 * New objects need a namespace that exists and stays; the system's namespaces stay for ever
 * (admission plug-in NamespaceLifecycle). Throws NotFound or Forbidden.
 */
export const checkNamespace = (api: ApiState, { target, operation }: AdmissionCall): void => {
  const { type, namespace, name } = target;
  if (operation === 'DELETE' && type.kind === 'Namespace' && !type.custom && IMMORTAL.has(name))
    throw forbidden(type, name, 'this namespace may not be deleted');
  if (operation !== 'CREATE' || !type.namespaced) return;
  const found = api.store.get('namespaces', namespace)?.object;
  if (found === undefined) throw notFound({ group: '', resource: 'namespaces' }, namespace);
  if (found.metadata.deletionTimestamp === undefined && at(found, 'status', 'phase') !== 'Terminating') return;
  const refused = forbidden(
    type,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  ).body;
  throw new StatusError(403, 'Forbidden', refused.message, {
    ...refused.details,
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  });
};

/** What the API server itself changes in an object before webhooks see it. Throws Forbidden. */
export const admitBuiltin = (api: ApiState, call: AdmissionCall, object: KubeObject): KubeObject => {
  const { type, namespace, subresource } = call.target;
  if (type.kind === 'Pod' && !type.custom && call.operation === 'CREATE' && subresource === '')
    return admitPod(api.store, object, namespace);
  return object;
};
