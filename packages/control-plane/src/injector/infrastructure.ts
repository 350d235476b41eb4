import type { ExcludedDestination } from './redirection.ts';

/** Where the Kubernetes API answers, as seen from pods. */
export interface ApiServerAddresses {
  /** ClusterIP of Service `default/kubernetes`. */
  readonly clusterIP: string | undefined;
  /** The addresses behind it. */
  readonly endpoints: readonly { readonly address: string; readonly port: number }[];
}

/** One infrastructure address with the name of the profile that excluded it. */
export interface InfrastructureExclusion extends ExcludedDestination {
  readonly profile: string;
}

/**
 * Well-known addresses by provider. Sources: Microsoft "What is IP address 168.63.129.16" and "Azure Instance Metadata
 * Service"; Amazon EC2 user guide "Access instance metadata"; Google Cloud "About VM metadata".
 */
export const PROVIDER_PROFILES: Readonly<Record<string, readonly string[]>> = Object.freeze({
  azure: ['169.254.169.254/32', '168.63.129.16/32'],
  aws: ['169.254.169.254/32', 'fd00:ec2::254/128'],
  gcp: ['169.254.169.254/32'],
});

/** Profile names that are in force unless the installation says otherwise. `kubernetes` is the API server. */
export const DEFAULT_PROFILES: readonly string[] = Object.freeze(['kubernetes', 'azure', 'aws', 'gcp']);

const host = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`;

/**
 * The destinations that the named profiles exclude from redirection, without repetition (the first profile keeps an
 * address). The API server's endpoints are excluded with their port only, since other services may live on that node.
 * Throws for an unknown profile.
 */
export function infrastructureExclusions(
  profiles: readonly string[],
  apiServer: ApiServerAddresses,
): readonly InfrastructureExclusion[] {
  const found = new Map<string, InfrastructureExclusion>();
  const add = (entry: InfrastructureExclusion): void => {
    const key = `${entry.cidr}:${entry.port ?? ''}`;
    if (!found.has(key)) found.set(key, entry);
  };
  for (const profile of profiles) {
    if (profile === 'kubernetes') {
      if (apiServer.clusterIP !== undefined) add({ profile, cidr: host(apiServer.clusterIP) });
      for (const { address, port } of apiServer.endpoints) add({ profile, cidr: host(address), port });
      continue;
    }
    const ranges = PROVIDER_PROFILES[profile];
    if (ranges === undefined) {
      const known = ['kubernetes', ...Object.keys(PROVIDER_PROFILES)].join(', ');
      throw new Error(`unknown infrastructure profile ${JSON.stringify(profile)}; known are ${known}`);
    }
    for (const cidr of ranges) add({ profile, cidr });
  }
  return [...found.values()];
}

/** One line for the pod's annotation: `kubernetes=198.18.0.1/32,azure=168.63.129.16/32`. */
export function describeExclusions(exclusions: readonly InfrastructureExclusion[]): string {
  return exclusions
    .map(({ profile, cidr, port }) => `${profile}=${cidr}${port === undefined ? '' : `:${port}`}`)
    .join(',');
}
