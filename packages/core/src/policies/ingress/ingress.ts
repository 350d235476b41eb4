import type { IngressBackendSpec } from '@osm/api';
import { byText, objectKey } from '../../model/names.ts';
import type { Policies, Policy, PolicyFault, Snapshot } from '../../model/snapshot.ts';
import type { HttpMatch, IngressService, Origin } from '../../plan/types.ts';

/** What an IngressBackend says about one target port of a service. */
export type IngressRule = Omit<IngressService, 'service'>;

/** IngressBackends, folded. */
export interface IngressTable {
  /** By service (`<namespace>/<name>`), in order of the policies' names. */
  readonly rules: ReadonlyMap<string, readonly IngressRule[]>;
  readonly faults: readonly PolicyFault[];
}

type Ingress = Policy<IngressBackendSpec>;
type Services = Snapshot['services'];
type Endpoints = Snapshot['endpoints'];
interface Sources {
  readonly ranges: readonly string[];
  readonly principals: readonly string[];
}

const hostRange = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`;

/** Who may come. Undefined when a source is of no use: to leave it out could open the backend to everybody. */
function sourcesOf(
  { object, spec }: Ingress,
  services: Services,
  endpoints: Endpoints,
  faults: PolicyFault[],
): Sources | undefined {
  const ranges = new Set<string>();
  const principals = new Set<string>();
  let usable = true;
  for (const [index, { kind, name, namespace }] of spec.sources.entries()) {
    if (kind === 'IPRange') ranges.add(name);
    if (kind === 'AuthenticatedPrincipal') principals.add(name);
    if (kind !== 'Service') continue;
    const field = `spec.sources[${index}]`;
    const key = objectKey(namespace ?? '', name);
    const places = (services.get(key) ?? []).flatMap(({ upstream }) => endpoints.get(upstream) ?? []);
    for (const { address } of places) ranges.add(hostRange(address));
    if (places.length > 0) continue;
    faults.push({ object, field, message: `endpoints not found for service ${key}` });
    usable = false;
  }
  return usable ? { ranges: [...ranges].sort(byText), principals: [...principals].sort(byText) } : undefined;
}

interface Requests {
  readonly matches?: readonly HttpMatch[];
  readonly origins: readonly Origin[];
}

/** The requests that `spec.matches` lets in: none that only a route group names which is not there. */
function requestsOf({ object, spec }: Ingress, groups: Policies['httpRouteGroups'], faults: PolicyFault[]): Requests {
  const named = spec.matches ?? [];
  if (named.length === 0) return { origins: [] };
  const found = named.flatMap(({ kind, name }, index) => {
    const group = kind === 'HTTPRouteGroup' ? groups.get(objectKey(object.namespace, name)) : undefined;
    if (group === undefined) {
      const message = kind === 'HTTPRouteGroup' ? `there is no HTTPRouteGroup ${name}` : `${kind} is no HTTPRouteGroup`;
      faults.push({ object, field: `spec.matches[${index}]`, message });
      return [];
    }
    return [...group.matches.values()].map(({ match, field }) => ({ match, origin: { ...group.object, field } }));
  });
  return { matches: found.map(({ match }) => match), origins: found.map(({ origin }) => origin) };
}

type Backend = IngressBackendSpec['backends'][number];

function ruleOf(
  { object }: Ingress,
  backend: Backend,
  field: string,
  sources: Sources,
  { matches, origins }: Requests,
): IngressRule | PolicyFault {
  const { port, tls } = backend;
  const rule = {
    targetPort: port.number,
    sourceRanges: sources.ranges,
    ...(matches && { matches }),
    origins: [{ ...object, field }, ...origins],
  };
  const protocol = port.protocol.toLowerCase();
  if (protocol === 'http') return rule;
  if (protocol !== 'https') {
    return { object, field: `${field}.port.protocol`, message: `${port.protocol} is neither http nor https` };
  }
  const sniHosts = tls?.sniHosts ?? [];
  if (tls?.skipClientCertValidation) return { ...rule, tls: { sniHosts } };
  if (sources.principals.length === 0) {
    const message = 'needs an AuthenticatedPrincipal source, as client certificates are validated';
    return { object, field, message };
  }
  return { ...rule, tls: { sniHosts, principals: sources.principals } };
}

/**
 * Folds IngressBackends by service. A backend is a target port of a Service in the policy's namespace; of two policies
 * for one backend the first by name holds. Route groups are those of the policy's namespace, and limit the requests. A policy with a source that cannot be resolved opens nothing.
 */
export function foldIngress(
  backends: Policies['ingressBackends'],
  services: Services,
  endpoints: Endpoints,
  groups: Policies['httpRouteGroups'],
): IngressTable {
  const rules = new Map<string, IngressRule[]>();
  const faults: PolicyFault[] = [];
  for (const ingress of backends.values()) {
    const { object, spec } = ingress;
    const sources = sourcesOf(ingress, services, endpoints, faults);
    if (sources === undefined) continue;
    const requests = requestsOf(ingress, groups, faults);
    for (const [index, backend] of spec.backends.entries()) {
      const field = `spec.backends[${index}]`;
      const key = objectKey(object.namespace, backend.name);
      const own = rules.get(key) ?? [];
      if (!services.get(key)?.some(({ targetPort }) => targetPort === backend.port.number)) {
        const message = `service ${key} has no target port ${backend.port.number}`;
        faults.push({ object, field: `${field}.port.number`, message });
        continue;
      }
      if (own.some(({ targetPort }) => targetPort === backend.port.number)) {
        const message = `port ${backend.port.number} of service ${key} has an IngressBackend already`;
        faults.push({ object, field, message });
        continue;
      }
      const rule = ruleOf(ingress, backend, field, sources, requests);
      if ('message' in rule) faults.push(rule);
      else rules.set(key, [...own, rule]);
    }
  }
  return { rules, faults };
}
