import { serviceKey, serviceNamed } from '../../model/names.ts';
import type { Policies, PolicyFault, Snapshot } from '../../model/snapshot.ts';

/**
 * Services that TrafficSplits name and that are not there, and backends without any port of their apex: they get nothing. The
 * split stays in force for the rest, and is whole as soon as the service comes.
 */
export function absentServices(
  trafficSplits: Policies['trafficSplits'],
  services: Snapshot['services'],
): readonly PolicyFault[] {
  const faults: PolicyFault[] = [];
  for (const { object, spec } of trafficSplits.values()) {
    const portsOf = (name: string) => {
      const service = serviceNamed(name, object.namespace);
      // A name of another namespace is a fault of its own.
      if (service?.namespace !== object.namespace) return undefined;
      const ports = services.get(serviceKey(service)) ?? [];
      return { name: service.name, ports: ports.map(({ port }) => port) };
    };
    const absent = (name: string) => `there is no service ${name} in namespace ${object.namespace}`;
    const apex = portsOf(spec.service);
    if (apex?.ports.length === 0) faults.push({ object, field: 'spec.service', message: absent(apex.name) });
    for (const [index, { service }] of (spec.backends ?? []).entries()) {
      const backend = portsOf(service);
      const field = `spec.backends[${index}].service`;
      if (backend === undefined) continue;
      if (backend.ports.length === 0) faults.push({ object, field, message: absent(backend.name) });
      else if (apex && apex.ports.length > 0 && !backend.ports.some((port) => apex.ports.includes(port))) {
        faults.push({ object, field, message: `service ${backend.name} has no port of service ${apex.name}` });
      }
    }
  }
  return Object.freeze(faults);
}
