import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { KubeObject } from '@osm/kube';
import { at, list, number, text, texts } from '../store/fields.ts';
import type { AdmissionCall } from './admit.ts';
import { internalError, StatusError } from './errors.ts';
import { runAdmission } from './interim.ts';
import type { ApiState } from './state.ts';

const BUCKETS = {
  mutating: 'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  validating: 'validatingwebhookconfigurations.admissionregistration.k8s.io',
} as const;

/** Kinds that no webhook may stand in the way of: otherwise a broken one could not be removed. */
const EXEMPT_GROUP = 'admissionregistration.k8s.io';

/** Where a service's port is in the cluster's network: its address, or that of a ready endpoint when it has none. */
const resolveService = (
  api: ApiState,
  namespace: string,
  name: string,
  port: number,
): { host: string; port: number } => {
  const service = api.store.get('services', `${namespace}/${name}`)?.object;
  if (service === undefined) throw new Error(`service "${name}" in namespace "${namespace}" not found`);
  const ports = list(at(service, 'spec', 'ports'));
  const found = ports.find((candidate) => at(candidate, 'port') === port);
  if (found === undefined) throw new Error(`service ${namespace}/${name} has no port ${port}`);
  const address = text(at(service, 'spec', 'clusterIP'));
  if (address !== '' && address !== 'None') return { host: address, port };
  return endpointOf(api, namespace, name, text(at(found, 'name')));
};

const endpointOf = (
  api: ApiState,
  namespace: string,
  name: string,
  portName: string,
): { host: string; port: number } => {
  for (const { object } of api.store.list('endpointslices.discovery.k8s.io', namespace)) {
    if (object.metadata.labels?.['kubernetes.io/service-name'] !== name) continue;
    const port = list(object.ports).find((candidate) => text(at(candidate, 'name')) === portName);
    const ready = list(object.endpoints).find((endpoint) => at(endpoint, 'conditions', 'ready') !== false);
    const [host] = texts(at(ready, 'addresses'));
    if (port !== undefined && host !== undefined) return { host, port: number(at(port, 'port')) };
  }
  throw new Error(`service ${namespace}/${name} has no ready endpoint`);
};

const dial = (api: ApiState, host: string, port: number, timeoutMs: number): Promise<Duplex> => {
  const node = api.node();
  if (node === undefined) return Promise.reject(new Error('the node of the cluster is not running'));
  return node.dial(host, port, timeoutMs);
};

/** Labels against which namespace selectors are matched: the object's namespace, or the namespace that is the object. */
const namespaceLabels = (
  api: ApiState,
  { target }: AdmissionCall,
  object: KubeObject,
): Readonly<Record<string, string>> => {
  if (target.type.kind === 'Namespace' && !target.type.custom) return object.metadata.labels ?? {};
  return api.store.get('namespaces', target.namespace)?.object.metadata.labels ?? {};
};

/** The `admission.k8s.io/v1` AdmissionRequest of a call. */
const requestOf = (call: AdmissionCall, object: KubeObject) => {
  const { target, operation, old, user, dryRun, options } = call;
  const { group, version, resource, kind } = target.type;
  const deleting = operation === 'DELETE';
  return {
    uid: randomUUID(),
    kind: { group, version, kind },
    resource: { group, version, resource },
    ...(target.subresource === '' ? {} : { subResource: target.subresource }),
    requestKind: { group, version, kind },
    requestResource: { group, version, resource },
    ...(target.subresource === '' ? {} : { requestSubResource: target.subresource }),
    name: target.name,
    ...(target.namespace === '' ? {} : { namespace: target.namespace }),
    operation,
    userInfo: {
      username: user.username,
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: user.groups,
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    },
    object: deleting ? null : object,
    oldObject: old ?? null,
    dryRun,
    options,
  };
};

/**
 * Asks the webhooks of a phase, and gives back the object as they leave it. Without configurations this costs nothing.
 * Throws the Status of a denial, or InternalError when a webhook that must answer does not.
 */
export const callWebhooks = async (
  api: ApiState,
  phase: 'mutating' | 'validating',
  call: AdmissionCall,
  object: KubeObject,
): Promise<KubeObject> => {
  const configurations = api.store.list(BUCKETS[phase]).map((stored) => stored.object);
  if (configurations.length === 0 || call.target.type.group === EXEMPT_GROUP) return object;
  try {
    const outcome = await runAdmission({
      phase,
      request: requestOf(call, object),
      configurations,
      namespaceLabels: namespaceLabels(api, call, object),
      dial: (host, port, timeoutMs) => dial(api, host, port, timeoutMs),
      resolveService: (namespace, name, port) => resolveService(api, namespace, name, port),
      signal: call.signal,
    });
    for (const warning of outcome.warnings) call.warn(warning);
    return phase === 'mutating' && call.operation !== 'DELETE' ? (outcome.object as KubeObject) : object;
  } catch (error) {
    throw denial(error);
  }
};

/** The Status that a denial carries, as an error of this server. */
const denial = (error: unknown): unknown => {
  const status = at(error, 'status') ?? at(error, 'body');
  if (error instanceof StatusError || !(error instanceof Error)) return error;
  if (at(status, 'kind') !== 'Status') return internalError(error.message);
  return new StatusError(number(at(status, 'code'), 403), text(at(status, 'reason')), text(at(status, 'message')));
};
