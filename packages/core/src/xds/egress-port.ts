import type { EgressPort, EgressTls } from '../plan/types.ts';
import { type AddressRange, addressRange, addressRanges, containsRange } from './address.ts';

/** Every IPv4 and IPv6 address. Written out, as Envoy takes a chain without ranges for another kind of chain. */
const EVERYWHERE: readonly AddressRange[] = [addressRange('0.0.0.0/0')!, addressRange('::/0')!];

const WILDCARD = '*.';

/** Names by which Envoy can match: labels, the first of which may be `*`. */
export const namesOf = (egress: EgressPort): readonly string[] => {
  const names = egress.hosts.map((host) => host.toLowerCase());
  return [...new Set(names)].filter((host) => /^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(host));
};

/** Whether a name has a wildcard, so that what it stands for cannot be looked up beforehand. */
export const isWildcard = (host: string): boolean => host.startsWith(WILDCARD);

/** Whether requests or connections to `host` are among those that a policy names; no hosts are all hosts. */
export const coversHost = (egress: EgressPort, host: string): boolean =>
  egress.hosts.length === 0 ||
  namesOf(egress).some((name) => name === host || (isWildcard(name) && host.endsWith(name.slice(1))));

/** How a host is dialled: as the first policy that names it says. */
export const tlsOf = (host: string, policies: readonly EgressPort[]): EgressTls | undefined =>
  policies.find((egress) => namesOf(egress).includes(host))?.tls;

/** The ranges of a policy; undefined when it names some but none that is one, and so means nowhere. */
export function rangesOf(egress: EgressPort): readonly AddressRange[] | undefined {
  if (egress.ranges.length === 0) return EVERYWHERE;
  const ranges = addressRanges(egress.ranges);
  return ranges.length === 0 ? undefined : ranges;
}

/**
 * The ranges by which the chain of a policy is chosen: its own, and those of its neighbours on the same port that lie
 * within them. Envoy looks only at the chains of the narrowest range around an address, so a wide policy that did not
 * stand there too would be hidden by a narrow one.
 */
export function chainRanges(own: readonly AddressRange[], neighbours: readonly EgressPort[]): readonly AddressRange[] {
  const within = neighbours
    .flatMap((neighbour) => rangesOf(neighbour) ?? [])
    .filter((range) => own.some((outer) => containsRange(outer, range)));
  const byText = new Map([...own, ...within].map((range) => [`${range.addressPrefix}/${range.prefixLen}`, range]));
  return [...byText.values()];
}
