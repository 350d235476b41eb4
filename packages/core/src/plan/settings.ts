import { type MeshConfigSpec, parseDuration } from '@osm/api';
import { AUTHORIZER_ANNOTATION, MESH_AUTHORIZER, NO_AUTHORIZER } from '../model/authorizer.ts';
import type { PolicyFault, Snapshot, Workload } from '../model/snapshot.ts';
import type { ExternalAuthorization, ProxySettings } from './types.ts';

type Traffic = MeshConfigSpec['traffic'];
type Authorizer = Omit<NonNullable<Traffic['inboundExternalAuthorization']>, 'enable'>;

/** Settings of proxies, by the authorization service that they ask. */
export interface SettingsTable {
  readonly byAuthorizer: ReadonlyMap<string, ProxySettings>;
  /** Of those that are to ask a service that nobody knows: all requests are denied. */
  readonly closed: ProxySettings;
}

const lower = (names: readonly string[] | undefined): readonly string[] | undefined =>
  names?.map((name) => name.toLowerCase());

function authorizationBy(authorizer: Authorizer): ExternalAuthorization {
  const { address, port, statPrefix, timeout, failureModeAllow, protocol, http = {} } = authorizer;
  const clientHeaders = lower(http.clientHeaders);
  const at = address && port !== undefined ? { address, port } : undefined;
  return {
    ...(at && { at }),
    statPrefix: statPrefix || 'inboundExtAuthz',
    timeoutMs: parseDuration(timeout ?? '1s') ?? 1000,
    // Nobody to ask is a mistake and no failure: it lets nothing pass.
    failureModeAllow: failureModeAllow && at !== undefined,
    ...(protocol === 'http' && {
      http: {
        pathPrefix: http.pathPrefix ?? '',
        requestHeaders: lower(http.requestHeaders) ?? [],
        upstreamHeaders: lower(http.upstreamHeaders) ?? [],
        ...(clientHeaders && { clientHeaders }),
      },
    }),
  };
}

/** Nobody to ask. */
const UNKNOWN: ExternalAuthorization = Object.freeze(authorizationBy({ failureModeAllow: false }));

function* authorizersOf({ inboundExternalAuthorization, externalAuthorizers = [] }: Traffic) {
  yield [NO_AUTHORIZER, undefined] as const;
  const { enable, ...byDefault } = inboundExternalAuthorization ?? { enable: false, failureModeAllow: false };
  yield [MESH_AUTHORIZER, enable ? authorizationBy(byDefault) : undefined] as const;
  for (const { name, ...authorizer } of externalAuthorizers) yield [name, authorizationBy(authorizer)] as const;
}

/** What MeshConfig says of every proxy, with Open Service Mesh's defaults. */
export function settingsOf(config: MeshConfigSpec, osmNamespace: string): SettingsTable {
  const { sidecar, observability, traffic } = config;
  const { tracing } = observability;
  const settings: ProxySettings = {
    tls: {
      minVersion: sidecar.tlsMinProtocolVersion,
      maxVersion: sidecar.tlsMaxProtocolVersion,
      cipherSuites: sidecar.cipherSuites ?? [],
      ecdhCurves: sidecar.ecdhCurves ?? [],
    },
    ...(tracing?.enable && {
      tracing: {
        address: tracing.address || `jaeger.${osmNamespace}.svc.cluster.local`,
        port: tracing.port ?? 9411,
        endpoint: tracing.endpoint || '/api/v2/spans',
      },
    }),
  };
  const byAuthorizer = [...authorizersOf(traffic)].map(([name, externalAuthorization]): [string, ProxySettings] => [
    name,
    externalAuthorization === undefined ? settings : { ...settings, externalAuthorization },
  ]);
  return { byAuthorizer: new Map(byAuthorizer), closed: { ...settings, externalAuthorization: UNKNOWN } };
}

/**
 * The settings of a workload's proxy. Its authorization service is the one that its pod names, or else its namespace, or
 * else the mesh's.
 */
export function settingsFor(
  { byAuthorizer, closed }: SettingsTable,
  workload: Workload | undefined,
  namespace: string,
  traffic: Snapshot['traffic'],
): ProxySettings {
  return byAuthorizer.get(workload?.authorizer ?? traffic.get(namespace)?.authorizer ?? MESH_AUTHORIZER) ?? closed;
}

/** Namespaces that name an authorization service which MeshConfig does not have. */
export function authorizerFaults(
  { byAuthorizer }: SettingsTable,
  traffic: Snapshot['traffic'],
): readonly PolicyFault[] {
  return [...traffic.values()].flatMap(({ object, authorizer }) => {
    if (authorizer === undefined || byAuthorizer.has(authorizer)) return [];
    const message = `MeshConfig has no external authorizer ${JSON.stringify(authorizer)}; every request is denied`;
    return [{ object, field: `metadata.annotations[${AUTHORIZER_ANNOTATION}]`, message }];
  });
}
