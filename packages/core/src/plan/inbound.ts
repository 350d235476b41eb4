import { type PlaintextPorts, takesPlaintext } from '../model/mtls.ts';
import { byText, serverNameOf } from '../model/names.ts';
import { isHttp } from '../model/protocol.ts';
import type { MeshService, Workload } from '../model/snapshot.ts';
import { type AccessRules, ANY_ACCESS, accessTo } from '../policies/access/access.ts';
import type { IngressRule } from '../policies/ingress/ingress.ts';
import type { InboundLimits } from '../policies/upstream-traffic-setting/upstream-traffic-setting.ts';
import type { InboundService, IngressService, Protocol } from './types.ts';

/** Where the workload itself listens for a port: pods may give one name to different numbers. */
const listensOn = (port: MeshService, workload: Workload): number =>
  (port.targetPortName === undefined ? undefined : workload.ports[port.targetPortName]) ?? port.targetPort;

/** Requests can be counted only where the proxy reads them; connections everywhere. */
function limitsFor(limits: InboundLimits | undefined, protocol: Protocol): InboundLimits | undefined {
  if (limits === undefined || isHttp(protocol)) return limits;
  const { tcpRateLimit, globalTcpRateLimit } = limits;
  return { ...(tcpRateLimit && { tcpRateLimit }), ...(globalTcpRateLimit && { globalTcpRateLimit }) };
}

/** A service that a workload stands behind: its ports, and what policies say of it. */
export interface ServedService {
  readonly ports: readonly MeshService[];
  readonly limits: InboundLimits | undefined;
  readonly ingress: readonly IngressRule[] | undefined;
}

/** Whom a workload lets in. */
export interface Admission {
  /** Rules of its identity; undefined lets every workload of the mesh in (permissive mode). */
  readonly rules: AccessRules | undefined;
  /** Rules that are tried beside these. */
  readonly audit: AccessRules | undefined;
  /** Ports on which plaintext is taken too. */
  readonly plaintext: PlaintextPorts | undefined;
}

/**
 * What a workload serves, sorted by target port, then service. Ports of a service that have one target are one: clients ask for the
 * service by name, and arrive at the target.
 */
export function inboundOf(
  workload: Workload,
  services: readonly ServedService[],
  { rules, audit, plaintext }: Admission,
): readonly InboundService[] {
  const served = new Map<string, InboundService>();
  for (const { ports, limits } of services)
    for (const port of ports) {
      const { service, protocol } = port;
      const targetPort = listensOn(port, workload);
      const serverName = serverNameOf(service);
      const key = `${serverName} ${targetPort}`;
      if (served.has(key)) continue;
      const access = rules === undefined ? ANY_ACCESS : accessTo(rules, protocol, targetPort);
      served.set(key, {
        service,
        port: port.port,
        targetPort,
        protocol,
        serverName,
        access,
        ...(audit && { audit: accessTo(audit, protocol, targetPort) }),
        ...(takesPlaintext(plaintext, targetPort) && { plaintext: true as const }),
        ...limitsFor(limits, protocol),
      });
    }
  return [...served.values()].sort((a, b) => a.targetPort - b.targetPort || byText(a.serverName, b.serverName));
}

/** Where callers from outside the mesh may come in, in the order of the services. */
export function ingressOf(workload: Workload, services: readonly ServedService[]): readonly IngressService[] {
  return services.flatMap(({ ports, ingress = [] }) => {
    const own = new Set(ports.map((port) => listensOn(port, workload)));
    return ingress.flatMap((rule) =>
      ports[0] && own.has(rule.targetPort) ? [{ service: ports[0].service, ...rule }] : [],
    );
  });
}
