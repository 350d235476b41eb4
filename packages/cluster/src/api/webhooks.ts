import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { KubeObject } from '@osm/kube';
import { bucketOf, fromStored, toStored } from '../kinds/index.ts';
import { at, list, number, text, texts } from '../store/fields.ts';
import type { ServedType } from '../types.ts';
import type { AdmissionCall } from './admit.ts';
import { withDefaults } from './conform.ts';
import { StatusError } from './errors.ts';
import { AdmissionDenied, type Equivalent, runAdmission } from './rules.ts';
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

const isNamespace = ({ kind, custom }: ServedType): boolean => kind === 'Namespace' && !custom;

/** The other versions in which the same objects are served: webhooks may ask for those. */
const equivalentsOf = (api: ApiState, type: ServedType): readonly Equivalent[] =>
  api.registry.types
    .filter((other) => other !== type && bucketOf(other) === bucketOf(type))
    .map((other) => {
      const { group, version, kind, resource } = other;
      const convert = (from: ServedType, to: ServedType) => (object: object) =>
        fromStored(to, toStored(from, object as KubeObject));
      return {
        resource: { group, version, resource },
        kind: { group, version, kind },
        from: convert(type, other),
        back: convert(other, type),
      };
    });

/** Labels against which namespace selectors are matched: the object's namespace, or the namespace that is the object. */
const namespaceLabels = (
  api: ApiState,
  { target }: AdmissionCall,
  object: KubeObject,
): Readonly<Record<string, string>> => {
  if (isNamespace(target.type)) return object.metadata.labels ?? {};
  return api.store.get('namespaces', target.namespace)?.object.metadata.labels ?? {};
};

/** The `admission.k8s.io/v1` AdmissionRequest of a call. */
const requestOf = (call: AdmissionCall, object: KubeObject) => {
  const { target, operation, old, user, dryRun, options } = call;
  const { group, version, resource, kind } = target.type;
  const deleting = operation === 'DELETE';
  // A Namespace is in the namespace that it is.
  const namespace = isNamespace(target.type) ? target.name : target.namespace;
  return {
    uid: randomUUID(),
    kind: { group, version, kind },
    resource: { group, version, resource },
    ...(target.subresource === '' ? {} : { subResource: target.subresource }),
    requestKind: { group, version, kind },
    requestResource: { group, version, resource },
    ...(target.subresource === '' ? {} : { requestSubResource: target.subresource }),
    ...(target.name === '' ? {} : { name: target.name }),
    ...(namespace === '' ? {} : { namespace }),
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
      connections: api.webhookConnections,
      equivalents: equivalentsOf(api, call.target.type),
      settle: (changed) => withDefaults(call.target.type, changed as KubeObject),
      dial: (host, port, timeoutMs) => dial(api, host, port, timeoutMs),
      resolveService: (namespace, name, port) => resolveService(api, namespace, name, port),
      signal: call.signal,
    });
    for (const warning of outcome.warnings) call.warn(warning);
    return phase === 'mutating' && call.operation !== 'DELETE' ? (outcome.object as KubeObject) : object;
  } catch (error) {
    if (error instanceof AdmissionDenied) for (const warning of error.warnings) call.warn(warning);
    throw denialOf(error);
  }
};

/** The Status that a denial carries, as an error of this server. */
const denialOf = (error: unknown): unknown => {
  if (!(error instanceof AdmissionDenied)) return error;
  const { code, reason = '', message, details } = error.status;
  return new StatusError(code, reason, message, details);
};
