import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEmbeddedIssuer, createRoot } from '@osm/pki';
import { API_SERVICE_IP, CLUSTER_DOMAIN, GATEWAY_IP, NODE_NAME } from '../node/addresses.ts';

/** A certificate with its key, PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** Everything by which the parts of a cluster know each other. */
export interface Credentials {
  /** Signed all the others; its key is not kept. */
  readonly caPem: string;
  readonly serving: KeyPair;
  /** `system:masters`, for the kubeconfig. */
  readonly admin: KeyPair;
  readonly controllers: KeyPair;
  readonly node: KeyPair;
  /** Signs the tokens of service accounts (EC P-256). */
  readonly serviceAccountKeyPem: string;
}

/** Longer than a development cluster lives; there is nobody to renew them. */
const TEN_YEARS_SECONDS = 10 * 365 * 24 * 3600;

const PAIRS = ['serving', 'admin', 'controllers', 'node'] as const;

/** Names and addresses under which the API server is reached, from the machine and from pods. */
const SERVING_NAMES = [
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  `kubernetes.default.svc.${CLUSTER_DOMAIN}`,
];
const SERVING_ADDRESSES = ['127.0.0.1', API_SERVICE_IP, GATEWAY_IP];

/** Reads a cluster's credentials from its `pki` directory, or makes them there. */
export async function loadCredentials(directory: string): Promise<Credentials> {
  if (!existsSync(directory)) {
    // Written beside and renamed, so that there are all of them or none.
    const partial = `${directory}.new`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { mode: 0o700 });
    writeCredentials(partial, await makeCredentials());
    renameSync(partial, directory);
  }
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  const pair = (name: (typeof PAIRS)[number]): KeyPair => ({
    certPem: read(`${name}.crt`),
    keyPem: read(`${name}.key`),
  });
  return {
    caPem: read('ca.crt'),
    serving: pair('serving'),
    admin: pair('admin'),
    controllers: pair('controllers'),
    node: pair('node'),
    serviceAccountKeyPem: read('sa.key'),
  };
}

async function makeCredentials(): Promise<Credentials> {
  const authority = await createRoot({ commonName: 'kubernetes', validitySeconds: TEN_YEARS_SECONDS });
  const issuer = createEmbeddedIssuer(authority);
  const issue = async (commonName: string, organizations: readonly string[], servingToo = false): Promise<KeyPair> => {
    const { chainPem, keyPem } = await issuer.issue({
      commonName,
      organizations,
      ...(servingToo ? { dnsNames: SERVING_NAMES, ipAddresses: SERVING_ADDRESSES } : {}),
      validitySeconds: TEN_YEARS_SECONDS,
      usages: [servingToo ? 'server' : 'client'],
    });
    return { certPem: chainPem, keyPem };
  };
  return {
    caPem: authority.certificatePem,
    serving: await issue('kube-apiserver', [], true),
    admin: await issue('kubernetes-admin', ['system:masters']),
    controllers: await issue('system:kube-controller-manager', ['system:masters']),
    node: await issue(`system:node:${NODE_NAME}`, ['system:nodes']),
    serviceAccountKeyPem: generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    }).privateKey,
  };
}

function writeCredentials(directory: string, credentials: Credentials): void {
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text, { mode: 0o600 });
  write('ca.crt', credentials.caPem);
  for (const name of PAIRS) {
    write(`${name}.crt`, credentials[name].certPem);
    write(`${name}.key`, credentials[name].keyPem);
  }
  write('sa.key', credentials.serviceAccountKeyPem);
}
