import { isCidr } from '../injector/annotations.ts';

/** The part of a policy object that the rules read. */
export interface PolicyObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: unknown;
}

/** Objects already stored in the same namespace, for the rules that compare. The object itself may be among them. */
export interface StoredPolicies {
  readonly ingressBackends: readonly PolicyObject[];
  readonly upstreamTrafficSettings: readonly PolicyObject[];
}

interface Source {
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

interface Backend {
  readonly name: string;
  readonly port: { readonly number: number; readonly protocol: string };
  readonly tls?: { readonly skipClientCertValidation?: boolean };
}

const list = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? (value as T[]) : []);
const spec = <T>(object: PolicyObject): T => (object.spec ?? {}) as T;
const quote = (value: unknown): string => JSON.stringify(value ?? '');

/** Checks a TrafficTarget (`access.smi-spec.io/v1alpha3`). Returns faults, each with its field path. */
export function checkTrafficTarget(object: PolicyObject): readonly string[] {
  const destination = spec<{ destination?: Source }>(object).destination;
  const namespace = destination?.namespace ?? '';
  if (namespace === object.metadata.namespace) return [];
  return [
    `spec.destination.namespace is ${quote(namespace)} but must be the namespace of the object, ${quote(object.metadata.namespace)}`,
  ];
}

const backendKey = (backend: Backend): string => `${backend.name}:${backend.port.number}`;

function checkIngressSource(source: Source, path: string): readonly string[] {
  switch (source.kind) {
    case 'Service':
      return source.name && source.namespace ? [] : [`${path}: a source of kind Service needs name and namespace`];
    case 'AuthenticatedPrincipal':
      return source.name ? [] : [`${path}: a source of kind AuthenticatedPrincipal needs a name`];
    case 'IPRange':
      return isCidr(source.name ?? '')
        ? []
        : [`${path}.name is ${quote(source.name)}, which is not an address range such as 10.0.0.0/8`];
    default:
      return [`${path}.kind is ${quote(source.kind)}; use Service, AuthenticatedPrincipal or IPRange`];
  }
}

/** Checks an IngressBackend (`policy.openservicemesh.io/v1alpha1`) against itself and those stored beside it. */
export function checkIngressBackend(object: PolicyObject, stored: StoredPolicies): readonly string[] {
  const { backends, sources } = spec<{ backends?: Backend[]; sources?: Source[] }>(object);
  const faults: string[] = [];
  const taken = new Map<string, string>();
  for (const other of stored.ingressBackends) {
    if (other.metadata.name === object.metadata.name) continue;
    for (const backend of list<Backend>(spec<{ backends?: Backend[] }>(other).backends)) {
      taken.set(backendKey(backend), other.metadata.name);
    }
  }
  const authenticated = list<Source>(sources).some((source) => source.kind === 'AuthenticatedPrincipal');
  const own = new Set<string>();
  for (const [i, backend] of list<Backend>(backends).entries()) {
    const path = `spec.backends[${i}]`;
    const key = backendKey(backend);
    if (own.has(key)) faults.push(`${path}: backend ${backend.name} with port ${backend.port.number} is listed twice`);
    own.add(key);
    const other = taken.get(key);
    if (other !== undefined) {
      faults.push(
        `${path}: backend ${backend.name} with port ${backend.port.number} belongs to IngressBackend ${other}`,
      );
    }
    const protocol = backend.port.protocol?.toLowerCase();
    if (protocol !== 'http' && protocol !== 'https') {
      faults.push(`${path}.port.protocol is ${quote(backend.port.protocol)}; use http or https`);
    }
    // Without a principal to compare with, every certificate of the mesh would be let in.
    if (protocol === 'https' && backend.tls?.skipClientCertValidation !== true && !authenticated) {
      faults.push(
        `${path}: client certificates are to be validated, so spec.sources needs an AuthenticatedPrincipal (or set tls.skipClientCertValidation)`,
      );
    }
  }
  for (const [i, source] of list<Source>(sources).entries()) {
    faults.push(...checkIngressSource(source, `spec.sources[${i}]`));
  }
  return faults;
}

const MATCH_KINDS: Readonly<Record<string, string>> = {
  'specs.smi-spec.io/v1alpha4': 'HTTPRouteGroup',
  'policy.openservicemesh.io/v1alpha1': 'UpstreamTrafficSetting',
};

/** Checks an Egress (`policy.openservicemesh.io/v1alpha1`). */
export function checkEgress(object: PolicyObject): readonly string[] {
  const matches = list<{ apiGroup?: string; kind?: string }>(spec<{ matches?: unknown }>(object).matches);
  const faults: string[] = [];
  for (const [i, match] of matches.entries()) {
    const kind = MATCH_KINDS[match.apiGroup ?? ''];
    if (kind === undefined) {
      faults.push(
        `spec.matches[${i}].apiGroup is ${quote(match.apiGroup)}; use ${Object.keys(MATCH_KINDS).join(' or ')}`,
      );
    } else if (match.kind !== kind) {
      faults.push(`spec.matches[${i}].kind is ${quote(match.kind)}; with ${match.apiGroup} it must be ${kind}`);
    }
  }
  if (matches.filter((match) => match.kind === 'UpstreamTrafficSetting').length > 1) {
    faults.push('spec.matches names more than one UpstreamTrafficSetting; keep one');
  }
  return faults;
}

/** Status codes that Envoy can answer with (`envoy.type.v3.StatusCode`); 0 stands for the default. */
const ENVOY_STATUS_CODES: ReadonlySet<number> = new Set([
  0, 100, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403,
  404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 423, 424, 426, 428, 429, 431, 500,
  501, 502, 503, 504, 505, 506, 507, 508, 510, 511,
]);

interface RateLimited {
  readonly rateLimit?: { readonly local?: { readonly http?: { readonly responseStatusCode?: number } } };
}

/** Checks an UpstreamTrafficSetting (`policy.openservicemesh.io/v1alpha1`) against itself and those beside it. */
export function checkUpstreamTrafficSetting(object: PolicyObject, stored: StoredPolicies): readonly string[] {
  const own = spec<RateLimited & { host?: string; httpRoutes?: RateLimited[] }>(object);
  const faults: string[] = [];
  const host = own.host ?? '';
  if (host.split('.').filter((label) => label !== '').length < 2) {
    faults.push(`spec.host is ${quote(host)}; it needs at least two parts, such as <service>.<namespace>`);
  }
  const twin = stored.upstreamTrafficSettings.find(
    (other) => other.metadata.name !== object.metadata.name && spec<{ host?: string }>(other).host === host,
  );
  if (twin !== undefined) {
    faults.push(`spec.host ${quote(host)} is already set by UpstreamTrafficSetting ${twin.metadata.name}`);
  }
  const codes: [string, RateLimited][] = [
    ['spec', own],
    ...list<RateLimited>(own.httpRoutes).map((route, i): [string, RateLimited] => [`spec.httpRoutes[${i}]`, route]),
  ];
  for (const [path, { rateLimit }] of codes) {
    const code = rateLimit?.local?.http?.responseStatusCode ?? 0;
    if (!ENVOY_STATUS_CODES.has(code)) {
      faults.push(`${path}.rateLimit.local.http.responseStatusCode is ${code}, which Envoy cannot answer with`);
    }
  }
  return faults;
}
