import type { KubeObject } from '@osm/kube';
import type { Pod } from './pod.ts';

/** The parts of a core/v1 Service that become environment variables. */
export interface ServiceFacts extends KubeObject {
  readonly spec?: {
    readonly clusterIP?: string;
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
  };
}

/**
 * The variables by which a pod finds services (Kubernetes docs, "Service", environment variables): always the API
 * server's, and with enableServiceLinks those of the services of its own namespace.
 */
export function serviceEnvironment(
  pod: Pod,
  services: readonly ServiceFacts[],
  apiServer: { readonly host: string; readonly port: number },
): Record<string, string> {
  const env: Record<string, string> = {};
  if (pod.spec.enableServiceLinks !== false) {
    for (const service of services) {
      const ip = service.spec?.clusterIP;
      if (service.metadata.namespace !== pod.metadata.namespace || !ip || ip === 'None') continue;
      Object.assign(env, variables(service.metadata.name, ip, service.spec?.ports ?? []));
    }
  }
  return { ...env, ...variables('kubernetes', apiServer.host, [{ name: 'https', port: apiServer.port }]) };
}

function variables(
  name: string,
  ip: string,
  ports: readonly { name?: string; port: number; protocol?: string }[],
): Record<string, string> {
  const prefix = upper(name);
  const first = ports[0];
  if (!first) return {};
  const env: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: ip,
    [`${prefix}_SERVICE_PORT`]: String(first.port),
  };
  for (const port of ports) if (port.name) env[`${prefix}_SERVICE_PORT_${upper(port.name)}`] = String(port.port);
  env[`${prefix}_PORT`] = `${(first.protocol ?? 'TCP').toLowerCase()}://${ip}:${first.port}`;
  for (const port of ports) {
    const protocol = port.protocol ?? 'TCP';
    const key = `${prefix}_PORT_${port.port}_${protocol}`;
    env[key] = `${protocol.toLowerCase()}://${ip}:${port.port}`;
    env[`${key}_PROTO`] = protocol.toLowerCase();
    env[`${key}_PORT`] = String(port.port);
    env[`${key}_ADDR`] = ip;
  }
  return env;
}

function upper(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
