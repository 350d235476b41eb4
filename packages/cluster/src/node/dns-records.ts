import type { Answer, Question } from 'dns-packet';
import { CLUSTER_DOMAIN } from './addresses.ts';
import type { ServiceDirectory } from './service-directory.ts';
import { isIPv4, isReady, isServingTerminating, protocolOf, type Service } from './service-objects.ts';

/** What the name service says to one question. */
export interface DnsReply {
  readonly rcode: 'NOERROR' | 'NXDOMAIN' | 'NOTIMP';
  readonly answers: readonly Answer[];
  readonly additionals: readonly Answer[];
}

/** Seconds that an answer may be kept. */
export const TTL = 5;
/** Of a chain of ExternalName services. */
const MAX_CNAMES = 8;

const NOTHING: DnsReply = { rcode: 'NOERROR', answers: [], additionals: [] };
const UNKNOWN: DnsReply = { rcode: 'NXDOMAIN', answers: [], additionals: [] };

/**
 * Answers a question from the cluster's services (Kubernetes DNS-Based Service Discovery, schema 1.1.0). Every name outside
 * cluster.local is NXDOMAIN: the cluster has no way to other name servers. `shuffle` orders the addresses of a headless
 * service. Pure but for the directory it reads.
 */
export function answer(
  directory: ServiceDirectory,
  question: Question,
  shuffle: <T>(list: readonly T[]) => readonly T[] = inOrder,
): DnsReply {
  if (question.class !== undefined && question.class !== 'IN') return { rcode: 'NOTIMP', answers: [], additionals: [] };
  const name = question.name.replace(/\.$/, '').toLowerCase();
  return resolve(directory, question.name, name, question.type, shuffle, 0);
}

/** IPv4 addresses of a host name inside the cluster; empty when there is none. */
export function addressesOf(directory: ServiceDirectory, host: string): readonly string[] {
  const name = host.replace(/\.$/, '').toLowerCase();
  const full = name.endsWith(`.${CLUSTER_DOMAIN}`) ? name : name.endsWith('.svc') ? `${name}.${CLUSTER_DOMAIN}` : name;
  return answer(directory, { name: full, type: 'A', class: 'IN' }).answers.flatMap((a) =>
    a.type === 'A' ? [a.data] : [],
  );
}

type Shuffle = <T>(list: readonly T[]) => readonly T[];

function resolve(
  directory: ServiceDirectory,
  asked: string,
  name: string,
  type: string,
  shuffle: Shuffle,
  depth: number,
): DnsReply {
  if (name.endsWith('.in-addr.arpa')) return reverse(directory, asked, name, type);
  if (name === CLUSTER_DOMAIN) return NOTHING;
  if (!name.endsWith(`.${CLUSTER_DOMAIN}`)) return UNKNOWN;
  const labels = name.slice(0, -CLUSTER_DOMAIN.length - 1).split('.');
  const zone = labels.pop();
  if (labels.length === 0) {
    if (zone === 'dns-version')
      return type === 'TXT'
        ? { ...NOTHING, answers: [{ type: 'TXT', name: asked, ttl: TTL, data: '1.1.0' }] }
        : NOTHING;
    return zone === 'svc' || zone === 'pod' ? NOTHING : UNKNOWN;
  }
  const namespace = labels.pop() ?? '';
  if (zone === 'pod') return podName(asked, labels, type);
  if (zone !== 'svc') return UNKNOWN;
  const serviceName = labels.pop();
  if (serviceName === undefined) return directory.hasNamespace(namespace) ? NOTHING : UNKNOWN;
  const key = `${namespace}/${serviceName}`;
  const service = directory.get(key);
  if (!service) return UNKNOWN;
  const domain = `${serviceName}.${namespace}.svc.${CLUSTER_DOMAIN}`;
  if (service.spec?.type === 'ExternalName') {
    return labels.length === 0 ? externalName(directory, asked, service, type, shuffle, depth) : UNKNOWN;
  }
  const targets = targetsOf(directory, key, service, domain);
  if (labels.length === 0) {
    if (type === 'SRV') return services(asked, targets, domain, shuffle);
    // A headless service without endpoints has no record at all, so that clients see it is not there.
    return targets.length === 0 && isHeadless(service)
      ? UNKNOWN
      : addresses(
          asked,
          targets.map((t) => t.ip),
          type,
          shuffle,
        );
  }
  if (labels.length === 2 && labels[0]?.startsWith('_') && labels[1]?.startsWith('_')) {
    const [port, protocol] = [labels[0].slice(1), labels[1].slice(1)];
    const narrowed = targets
      .map((t) => ({ ...t, ports: t.ports.filter((p) => p.name === port && p.protocol === protocol) }))
      .filter((t) => t.ports.length > 0);
    if (narrowed.length === 0) return UNKNOWN;
    return type === 'SRV' ? services(asked, narrowed, domain, shuffle) : NOTHING;
  }
  if (labels.length !== 1 || !isHeadless(service)) return UNKNOWN;
  const host = targets.filter((t) => t.name === name);
  return host.length === 0
    ? UNKNOWN
    : addresses(
        asked,
        host.map((t) => t.ip),
        type,
        shuffle,
      );
}

/** One address behind a service's name. */
interface Target {
  readonly ip: string;
  /** The domain name of this address alone. */
  readonly name: string;
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
}

function isHeadless(service: Service): boolean {
  return service.spec?.clusterIP === 'None';
}

function targetsOf(directory: ServiceDirectory, key: string, service: Service, domain: string): readonly Target[] {
  if (!isHeadless(service)) {
    const ip = service.spec?.clusterIP;
    const ports = (service.spec?.ports ?? []).map((p) => ({
      name: p.name ?? '',
      protocol: protocolOf(p.protocol) ?? '',
      port: p.port,
    }));
    return isIPv4(ip) ? [{ ip, name: domain, ports }] : [];
  }
  const all = service.spec?.publishNotReadyAddresses ?? false;
  const ready = new Map<string, Target>();
  const leaving = new Map<string, Target>();
  for (const slice of directory.slicesOf(key)) {
    const ports = (slice.ports ?? []).flatMap((p) =>
      typeof p.port === 'number' ? [{ name: p.name ?? '', protocol: protocolOf(p.protocol) ?? '', port: p.port }] : [],
    );
    for (const endpoint of slice.endpoints ?? []) {
      const into = all || isReady(endpoint) ? ready : isServingTerminating(endpoint) ? leaving : undefined;
      for (const ip of endpoint.addresses) {
        if (!isIPv4(ip)) continue;
        const before = into?.get(ip)?.ports ?? [];
        into?.set(ip, {
          ip,
          name: `${endpoint.hostname || ip.replaceAll('.', '-')}.${domain}`,
          ports: [...before, ...ports],
        });
      }
    }
  }
  return [...(ready.size > 0 ? ready : leaving).values()];
}

function addresses(asked: string, ips: readonly string[], type: string, shuffle: Shuffle): DnsReply {
  if (type !== 'A' && type !== 'ANY') return NOTHING;
  return { ...NOTHING, answers: shuffle(ips).map((data) => ({ type: 'A', name: asked, ttl: TTL, data })) };
}

function services(asked: string, targets: readonly Target[], domain: string, shuffle: Shuffle): DnsReply {
  const found = shuffle(targets).filter((t) => t.ports.length > 0);
  return {
    rcode: 'NOERROR',
    answers: found.flatMap((target) =>
      target.ports.map((port) => ({
        type: 'SRV' as const,
        name: asked,
        ttl: TTL,
        data: { priority: 0, weight: 100, port: port.port, target: target.name || domain },
      })),
    ),
    additionals: found.map((target) => ({ type: 'A' as const, name: target.name, ttl: TTL, data: target.ip })),
  };
}

function externalName(
  directory: ServiceDirectory,
  asked: string,
  service: Service,
  type: string,
  shuffle: Shuffle,
  depth: number,
): DnsReply {
  const target = (service.spec?.externalName ?? '').replace(/\.$/, '').toLowerCase();
  if (target === '') return UNKNOWN;
  const link: Answer = { type: 'CNAME', name: asked, ttl: TTL, data: target };
  if (type === 'CNAME' || depth >= MAX_CNAMES) return { ...NOTHING, answers: [link] };
  const rest = resolve(directory, target, target, type, shuffle, depth + 1);
  // A target outside the cluster cannot be looked up; its name is still told.
  return { rcode: 'NOERROR', answers: [link, ...rest.answers], additionals: rest.additionals };
}

function podName(asked: string, labels: readonly string[], type: string): DnsReply {
  const ip = labels[0]?.replaceAll('-', '.');
  if (labels.length === 0) return NOTHING;
  if (labels.length !== 1 || !isIPv4(ip)) return UNKNOWN;
  return addresses(asked, [ip], type, inOrder);
}

function reverse(directory: ServiceDirectory, asked: string, name: string, type: string): DnsReply {
  const ip = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.');
  if (!isIPv4(ip)) return UNKNOWN;
  const names = reverseNames(directory, ip);
  if (names.length === 0) return UNKNOWN;
  if (type !== 'PTR' && type !== 'ANY') return NOTHING;
  return { ...NOTHING, answers: names.map((data) => ({ type: 'PTR', name: asked, ttl: TTL, data })) };
}

function reverseNames(directory: ServiceDirectory, ip: string): readonly string[] {
  const domainOf = (key: string) => `${key.split('/')[1]}.${key.split('/')[0]}.svc.${CLUSTER_DOMAIN}`;
  const own = directory.serviceOfClusterIP(ip);
  if (own !== undefined) return [domainOf(own)];
  return directory.servicesOfEndpoint(ip).flatMap((key) => {
    const service = directory.get(key);
    if (!service || !isHeadless(service)) return [];
    return targetsOf(directory, key, service, domainOf(key))
      .filter((t) => t.ip === ip)
      .map((t) => t.name);
  });
}

function inOrder<T>(list: readonly T[]): readonly T[] {
  return list;
}
