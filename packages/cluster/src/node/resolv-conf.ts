import { CLUSTER_DOMAIN, DNS_SERVICE_IP } from './addresses.ts';

/** core/v1 PodDNSConfig. */
export interface PodDnsConfig {
  readonly nameservers?: readonly string[];
  readonly searches?: readonly string[];
  readonly options?: readonly { readonly name?: string; readonly value?: string }[];
}

/** What resolv.conf(5) of glibc takes. */
const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;

/**
 * The text of a pod's /etc/resolv.conf (Kubernetes docs, "DNS for Services and Pods"). `Default` and `ClusterFirst` give
 * the cluster's DNS alike, because the embedded cluster has no way to the machine's name servers; `None` gives dnsConfig alone.
 */
export function resolvConf(namespace: string, dnsPolicy: string, dnsConfig: PodDnsConfig | undefined): string {
  const own = dnsPolicy !== 'None';
  const searches = dnsPolicy === 'ClusterFirst' || dnsPolicy === 'ClusterFirstWithHostNet';
  const nameservers = unique([...(own ? [DNS_SERVICE_IP] : []), ...(dnsConfig?.nameservers ?? [])]).slice(
    0,
    MAX_NAMESERVERS,
  );
  const domains = unique([
    ...(searches ? [`${namespace}.svc.${CLUSTER_DOMAIN}`, `svc.${CLUSTER_DOMAIN}`, CLUSTER_DOMAIN] : []),
    ...(dnsConfig?.searches ?? []),
  ]).slice(0, MAX_SEARCHES);
  const options = new Map<string, string | undefined>(searches ? [['ndots', '5']] : []);
  for (const option of dnsConfig?.options ?? []) if (option.name) options.set(option.name, option.value);
  const lines = [
    ...(domains.length > 0 ? [`search ${domains.join(' ')}`] : []),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(options.size > 0
      ? [`options ${[...options].map(([name, value]) => (value === undefined ? name : `${name}:${value}`)).join(' ')}`]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
