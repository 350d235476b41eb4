import { byText, serverNameOf } from '../model/names.ts';
import type { MeshService, Workload } from '../model/snapshot.ts';
import { type AccessRules, ANY_ACCESS, accessTo } from '../policies/access/access.ts';
import type { InboundService } from './types.ts';

/** Where the workload itself listens for a port: pods may give one name to different numbers. */
const listensOn = (port: MeshService, workload: Workload): number =>
  (port.targetPortName === undefined ? undefined : workload.ports[port.targetPortName]) ?? port.targetPort;

/**
 * What a workload serves, sorted by target port, then service. `rules` are those of its identity; undefined lets every
 * workload of the mesh in (permissive mode). Ports of a service that have one target are one: clients ask for the
 * service by name, and arrive at the target.
 */
export function inboundOf(
  workload: Workload,
  services: readonly (readonly MeshService[])[],
  rules: AccessRules | undefined,
): readonly InboundService[] {
  const served = new Map<string, InboundService>();
  for (const port of services.flat()) {
    const { service, protocol } = port;
    const targetPort = listensOn(port, workload);
    const serverName = serverNameOf(service);
    const key = `${serverName} ${targetPort}`;
    if (served.has(key)) continue;
    const access = rules === undefined ? ANY_ACCESS : accessTo(rules, protocol, targetPort);
    served.set(key, { service, port: port.port, targetPort, protocol, serverName, access });
  }
  return [...served.values()].sort((a, b) => a.targetPort - b.targetPort || byText(a.serverName, b.serverName));
}
