import type { PolicyFault } from '../../model/snapshot.ts';
import type { EgressPort } from '../../plan/types.ts';

const nameOf = ({ origins: [origin] }: EgressPort): string => `${origin?.namespace}/${origin?.name}`;

function* disagreements(first: EgressPort, second: EgressPort): Generator<string> {
  const tls = ({ tls: wanted }: EgressPort): string => JSON.stringify(wanted);
  if (tls(first) !== tls(second)) yield 'how it is dialled (tls)';
  const [a, b] = [first.limits, second.limits];
  if (a !== undefined && b !== undefined && JSON.stringify(a) !== JSON.stringify(b)) {
    yield 'its limits (UpstreamTrafficSetting)';
  }
}

/**
 * Where a policy says something else of a host than one before it, of the same source and port. A host has one cluster, so
 * the first by name holds; what each lets through is not at odds, as that adds up.
 */
export function* egressConflicts(before: Iterable<EgressPort>, port: EgressPort): Generator<PolicyFault> {
  const [object] = port.origins;
  if (object === undefined || port.protocol !== 'http') return;
  for (const other of before) {
    if (other.port !== port.port || other.protocol !== 'http') continue;
    const host = port.hosts.find((name) => other.hosts.includes(name));
    if (host === undefined) continue;
    for (const what of disagreements(other, port)) {
      const message = `Egress ${nameOf(other)} says otherwise of ${host}: ${what}; it comes first, and holds`;
      const { kind, namespace, name, generation, field } = object;
      yield { object: { kind, namespace, name, generation }, field, message };
    }
  }
}
