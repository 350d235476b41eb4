import type { Identity, ServiceRef } from '../plan/types.ts';

/** Map key of a namespaced object: `<namespace>/<name>`. */
export const objectKey = (namespace: string, name: string): string => `${namespace}/${name}`;

/** Map key of an identity: `<namespace>/<service account>`. */
export const identityKey = (identity: Identity): string => `${identity.namespace}/${identity.serviceAccount}`;

/** Map key of a service: `<namespace>/<name>`. */
export const serviceKey = (service: ServiceRef): string => `${service.namespace}/${service.name}`;

/** SNI and full DNS name of a service: `<service>.<namespace>.svc.cluster.local`. */
export const serverNameOf = (service: ServiceRef): string => `${service.name}.${service.namespace}.svc.cluster.local`;

/** Name of the cluster for a service's port: `<namespace>/<service>|<target port>`. */
export const upstreamKey = (service: ServiceRef, targetPort: number): string =>
  `${service.namespace}/${service.name}|${targetPort}`;

/** Order of strings by UTF-16 code unit: the same on every machine, whatever its locale. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Order of identities: by namespace, then service account. */
export const byIdentity = (a: Identity, b: Identity): number =>
  byText(a.namespace, b.namespace) || byText(a.serviceAccount, b.serviceAccount);

/** Identities without repetition, sorted. */
export function sortIdentities(identities: Iterable<Identity>): readonly Identity[] {
  const byKey = new Map<string, Identity>();
  for (const identity of identities) byKey.set(identityKey(identity), identity);
  return [...byKey.values()].sort(byIdentity);
}

/**
 * The service that a DNS name in a policy means: `svc`, `svc.ns`, `svc.ns.svc`, `svc.ns.svc.cluster`,
 * `svc.ns.svc.cluster.local`; a short name is looked up in `namespace`. A service name holds no dots
 * (RFC 1035 label). Undefined when the name has another form.
 */
export function serviceNamed(name: string, namespace: string): ServiceRef | undefined {
  const [service = '', inNamespace = namespace, ...rest] = name.toLowerCase().split('.');
  if (service === '' || inNamespace === '') return undefined;
  if (rest.some((label, index) => label !== ['svc', 'cluster', 'local'][index])) return undefined;
  return { namespace: inNamespace, name: service };
}
