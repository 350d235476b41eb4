import type { Access, Identity, InboundService } from '../plan/types.ts';

/** Identities of several lists, sorted by namespace, then service account, each once. */
export function unionOf(lists: readonly (readonly Identity[])[]): readonly Identity[] {
  const byKey = new Map(lists.flat().map((source) => [`${source.namespace}/${source.serviceAccount}`, source]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, source]) => source);
}

const isHttp = (inbound: Pick<InboundService, 'protocol'>): boolean =>
  inbound.protocol === 'http' || inbound.protocol === 'grpc';

/**
 * Who may open connections to a port of a workload: those with some rule for the port's kind of traffic. Undefined is
 * every workload of the mesh; empty is nobody.
 */
export function connectionSources(
  inbound: Pick<InboundService, 'protocol' | 'targetPort'>,
  access: Access,
): readonly Identity[] | undefined {
  if (access.mode === 'any') return undefined;
  if (isHttp(inbound)) return unionOf(access.http.map((rule) => rule.sources));
  const rules = access.tcp.filter((rule) => rule.ports === undefined || rule.ports.includes(inbound.targetPort));
  return unionOf(rules.map((rule) => rule.sources));
}
