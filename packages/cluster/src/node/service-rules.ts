import {
  type EndpointSlice,
  isIPv4,
  isReady,
  isServingTerminating,
  type Protocol,
  protocolOf,
  type Service,
} from './service-objects.ts';

/** One address that a service sends to. */
export interface Backend {
  readonly ip: string;
  readonly port: number;
}

/** How connections to one address, protocol and port of a service are forwarded. */
export interface PortRule {
  readonly vip: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** Keep a client at one backend (sessionAffinity: ClientIP). */
  readonly sticky: boolean;
  /** Sorted, without doubles, never empty. */
  readonly backends: readonly Backend[];
}

/**
 * The rules of one service: one for each port that has somewhere to go. Ready endpoints are used; when there is none, those
 * that still serve while terminating (Kubernetes docs, "Traffic to terminating endpoints"). Headless, ExternalName and
 * address-less services have none. Pure.
 */
export function rulesOf(service: Service | undefined, slices: readonly EndpointSlice[]): readonly PortRule[] {
  const vip = service?.spec?.clusterIP;
  if (!service || !isIPv4(vip) || service.spec?.type === 'ExternalName') return [];
  return (service.spec?.ports ?? []).flatMap((port) => {
    const protocol = protocolOf(port.protocol);
    if (!protocol) return [];
    const backends = backendsOf(port.name ?? '', protocol, slices);
    if (backends.length === 0) return [];
    return [{ vip, protocol, port: port.port, sticky: service.spec?.sessionAffinity === 'ClientIP', backends }];
  });
}

function backendsOf(portName: string, protocol: Protocol, slices: readonly EndpointSlice[]): readonly Backend[] {
  const ready = new Map<string, Backend>();
  const leaving = new Map<string, Backend>();
  for (const slice of slices) {
    const port = slice.ports?.find((p) => (p.name ?? '') === portName && protocolOf(p.protocol) === protocol)?.port;
    if (port === undefined || port === null) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const into = isReady(endpoint) ? ready : isServingTerminating(endpoint) ? leaving : undefined;
      for (const ip of endpoint.addresses) if (isIPv4(ip)) into?.set(`${ip}:${port}`, { ip, port });
    }
  }
  const chosen = ready.size > 0 ? ready : leaving;
  return [...chosen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, backend]) => backend);
}
