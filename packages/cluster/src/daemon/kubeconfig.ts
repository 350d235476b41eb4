import { stringify } from 'yaml';
import type { KeyPair } from './credentials.ts';

/** The text of a kubeconfig (v1 Config) that reaches a cluster with a client certificate. */
export function kubeconfig(cluster: {
  readonly name: string;
  readonly server: string;
  readonly caPem: string;
  readonly client: KeyPair;
}): string {
  const name = `osm-${cluster.name}`;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: cluster.server, 'certificate-authority-data': base64(cluster.caPem) } }],
    users: [
      {
        name,
        user: {
          'client-certificate-data': base64(cluster.client.certPem),
          'client-key-data': base64(cluster.client.keyPem),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    'current-context': name,
  });
}
