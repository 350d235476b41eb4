import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADDRESS } from './machine.ts';

/** Where the API server listens, inside the machine. */
export const SERVER = 'https://127.0.0.1:6443';

const DAYS = '2';
const SERVER_NAMES = [
  'DNS:localhost',
  'DNS:kubernetes',
  'DNS:kubernetes.default',
  'DNS:kubernetes.default.svc',
  'DNS:kubernetes.default.svc.cluster.local',
  'IP:127.0.0.1',
  'IP:10.96.0.1',
  `IP:${ADDRESS}`,
].join(',');

/** Clients, by the names of their files (https://kubernetes.io/docs/setup/best-practices/certificates/). */
const CLIENTS: Readonly<Record<string, string>> = {
  admin: '/O=system:masters/CN=admin',
  controllers: '/CN=system:kube-controller-manager',
  scheduler: '/CN=system:kube-scheduler',
};

/**
 * Makes one authority and every certificate, key and kubeconfig of a cluster in a directory: `ca`, `apiserver`, `accounts` and the
 * clients. Made by openssl, which shares no code with what is tested.
 */
export function makeCertificates(directory: string): void {
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...curve, '-days', DAYS, '-subj', '/CN=kubernetes', '-keyout', 'ca.key', '-out', 'ca.crt');
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'accounts.key');
  openssl('ec', '-in', 'accounts.key', '-pubout', '-out', 'accounts.pub');
  const issue = (name: string, subject: string, extensions: string): void => {
    writeFileSync(join(directory, `${name}.ext`), extensions);
    openssl('req', ...curve, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', DAYS];
    openssl('x509', '-req', '-in', `${name}.csr`, ...authority, '-extfile', `${name}.ext`, '-out', `${name}.crt`);
  };
  issue('apiserver', '/CN=kube-apiserver', `extendedKeyUsage=serverAuth\nsubjectAltName=${SERVER_NAMES}\n`);
  for (const [name, subject] of Object.entries(CLIENTS)) {
    issue(name, subject, 'extendedKeyUsage=clientAuth\n');
    writeFileSync(join(directory, `${name}.kubeconfig`), kubeconfig(directory, name), { mode: 0o600 });
  }
}

function kubeconfig(directory: string, name: string): string {
  const data = (file: string): string => readFileSync(join(directory, file)).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'real', cluster: { server: SERVER, 'certificate-authority-data': data('ca.crt') } }],
    users: [{ name, user: { 'client-certificate-data': data(`${name}.crt`), 'client-key-data': data(`${name}.key`) } }],
    contexts: [{ name: 'real', context: { cluster: 'real', user: name } }],
    'current-context': 'real',
  });
}
