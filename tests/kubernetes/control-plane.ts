import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates, SERVER } from './certificates.ts';
import { ADDRESS, type Machine } from './machine.ts';

const SERVICES = '10.96.0.0/16';
const PODS = '10.244.0.0/16';
const STORE = 'http://127.0.0.1:2379';
const PEERS = 'http://127.0.0.1:2380';

/**
 * Starts etcd, the API server, the controller manager and the scheduler in the machine; resolves with the administrator's
 * kubeconfig when they are ready.
 */
export async function startControlPlane(machine: Machine, bin: string, directory: string): Promise<string> {
  const pki = join(directory, 'pki');
  mkdirSync(pki, { recursive: true, mode: 0o700 });
  makeCertificates(pki);
  const file = (name: string): string => join(pki, name);
  machine.run('etcd', [
    join(bin, 'etcd'),
    `--data-dir=${join(directory, 'etcd')}`,
    `--listen-client-urls=${STORE}`,
    `--advertise-client-urls=${STORE}`,
    `--listen-peer-urls=${PEERS}`,
    `--initial-advertise-peer-urls=${PEERS}`,
    `--initial-cluster=default=${PEERS}`,
    '--log-level=warn',
    // Nothing of it has to outlive the machine.
    '--unsafe-no-fsync',
  ]);
  machine.run('kube-apiserver', [
    join(bin, 'kube-apiserver'),
    `--etcd-servers=${STORE}`,
    '--bind-address=0.0.0.0',
    '--secure-port=6443',
    `--advertise-address=${ADDRESS}`,
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-private-key-file=${file('apiserver.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${file('accounts.pub')}`,
    `--service-account-signing-key-file=${file('accounts.key')}`,
    `--service-cluster-ip-range=${SERVICES}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    // Webhooks are reached at their endpoints: without a kube-proxy, nobody serves the addresses of Services.
    '--enable-aggregator-routing=true',
  ]);
  const curl = ['curl', '--silent', '--fail', '--max-time', '2', '--cacert', file('ca.crt')];
  const admin = ['--cert', file('admin.crt'), '--key', file('admin.key')];
  await machine.until('kube-apiserver', [...curl, ...admin, `${SERVER}/readyz`]);
  const client = (name: string): readonly string[] =>
    ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
      (option) => `--${option}=${file(`${name}.kubeconfig`)}`,
    );
  machine.run('kube-controller-manager', [
    join(bin, 'kube-controller-manager'),
    ...client('controllers'),
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
    '--use-service-account-credentials=true',
    `--root-ca-file=${file('ca.crt')}`,
    `--service-account-private-key-file=${file('accounts.key')}`,
    '--allocate-node-cidrs=true',
    `--cluster-cidr=${PODS}`,
    `--service-cluster-ip-range=${SERVICES}`,
  ]);
  machine.run('kube-scheduler', [
    join(bin, 'kube-scheduler'),
    ...client('scheduler'),
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
  ]);
  const accounts = `${SERVER}/api/v1/namespaces/default/serviceaccounts/default`;
  await machine.until('kube-controller-manager', [...curl, ...admin, accounts]);
  return file('admin.kubeconfig');
}
