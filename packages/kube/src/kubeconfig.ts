import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { ExecPlugin, Impersonation, KubeConfig } from './config.ts';

/** A kubeconfig that cannot be used; the message says what to change. */
export class KubeconfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KubeconfigError';
  }
}

type Entry = Readonly<Record<string, unknown>>;

/** The entries of one or several files; of entries of the same name the first counts. */
interface Merged {
  readonly clusters: Map<string, Entry>;
  readonly users: Map<string, Entry>;
  readonly contexts: Map<string, Entry>;
  current: string | undefined;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Reads a kubeconfig (v1 Config, https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/). `context` replaces
 * `current-context`. Throws {@link KubeconfigError}.
 */
export function loadKubeconfig(path: string, context?: string): KubeConfig {
  return resolveContext(merge([resolve(path)]), context, path);
}

/**
 * The configuration kubectl would use: the files of KUBECONFIG, else ~/.kube/config, else the pod's service account.
 * Throws {@link KubeconfigError} when there is none.
 */
export function defaultConfig(context?: string): KubeConfig {
  const named = (process.env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  const home = join(homedir(), '.kube', 'config');
  const paths = (named.length > 0 ? named : [home]).map((path) => resolve(path)).filter((path) => existsSync(path));
  if (paths.length > 0) return resolveContext(merge(paths), context, paths.join(', '));
  if (context === undefined && process.env.KUBERNETES_SERVICE_HOST !== undefined) return inClusterConfig();
  const missing = named.length > 0 ? `KUBECONFIG names ${named.join(', ')}, which does not exist` : `no ${home}`;
  throw new KubeconfigError(`no Kubernetes cluster is configured: ${missing}; set KUBECONFIG to a kubeconfig file`);
}

/**
 * The configuration of a process that runs in a pod: address from the environment, projected token (read again as it
 * rotates) and authority from files. `directory` is for tests. Throws {@link KubeconfigError} outside a pod.
 * (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/)
 */
export function inClusterConfig(directory: string = SERVICE_ACCOUNT): KubeConfig {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  if (!host || !port) {
    throw new KubeconfigError(
      'this process does not run in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set',
    );
  }
  const tokenFile = join(directory, 'token');
  const caFile = join(directory, 'ca.crt');
  for (const path of [tokenFile, caFile]) {
    if (!existsSync(path)) {
      throw new KubeconfigError(`${path} is missing: the pod needs automountServiceAccountToken: true`);
    }
  }
  const namespaceFile = join(directory, 'namespace');
  const namespace = existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : '';
  return Object.freeze({
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    caFile,
    tokenFile,
    ...(namespace === '' ? {} : { namespace }),
  });
}

function merge(paths: readonly string[]): Merged {
  const merged: Merged = { clusters: new Map(), users: new Map(), contexts: new Map(), current: undefined };
  for (const path of paths) {
    const file = readFile(path);
    const directory = dirname(path);
    for (const [list, field] of [
      ['clusters', 'cluster'],
      ['users', 'user'],
      ['contexts', 'context'],
    ] as const) {
      for (const item of asList(file[list])) {
        const name = text(item, 'name');
        if (name === undefined || merged[list].has(name)) continue;
        merged[list].set(name, { ...asEntry(item[field]), directory });
      }
    }
    merged.current ??= text(file, 'current-context');
  }
  return merged;
}

function readFile(path: string): Entry {
  try {
    return asEntry(parse(readFileSync(path, 'utf8')));
  } catch (error) {
    // Only the place is told, as the text around it may be a secret.
    const code = (error as { code?: string }).code ?? 'unreadable';
    throw new KubeconfigError(`cannot read the kubeconfig ${path}: ${code}`);
  }
}

function resolveContext(merged: Merged, wanted: string | undefined, source: string): KubeConfig {
  const name = wanted ?? merged.current;
  const known = [...merged.contexts.keys()].join(', ') || 'none';
  if (name === undefined) throw new KubeconfigError(`${source} has no current-context; contexts: ${known}`);
  const context = merged.contexts.get(name);
  if (!context) throw new KubeconfigError(`${source} has no context ${JSON.stringify(name)}; contexts: ${known}`);
  const clusterName = text(context, 'cluster') ?? '';
  const cluster = merged.clusters.get(clusterName);
  if (!cluster)
    throw new KubeconfigError(`context ${name} names cluster ${JSON.stringify(clusterName)}, which ${source} lacks`);
  const userName = text(context, 'user') ?? '';
  const user = merged.users.get(userName);
  if (!user && userName !== '') {
    throw new KubeconfigError(`context ${name} names user ${JSON.stringify(userName)}, which ${source} lacks`);
  }
  const namespace = text(context, 'namespace');
  return Object.freeze({
    ...readCluster(cluster, `cluster ${clusterName} of ${source}`),
    ...readUser(user ?? {}, `user ${userName} of ${source}`),
    context: name,
    ...(namespace === undefined ? {} : { namespace }),
  });
}

function readCluster(cluster: Entry, place: string): KubeConfig {
  const server = text(cluster, 'server');
  if (server === undefined) throw new KubeconfigError(`${place} has no server`);
  if (!server.startsWith('https://')) throw new KubeconfigError(`${place}: server must be an https:// address`);
  if (cluster['insecure-skip-tls-verify'] === true) {
    throw new KubeconfigError(
      `${place} sets insecure-skip-tls-verify: certificates are always verified here; give certificate-authority-data instead`,
    );
  }
  if (text(cluster, 'proxy-url') !== undefined)
    throw new KubeconfigError(`${place} sets proxy-url, which is not supported`);
  return {
    server,
    ...dataOrFile(cluster, 'certificate-authority', 'caPem', 'caFile', place),
    ...optional('serverName', text(cluster, 'tls-server-name')),
  };
}

function readUser(user: Entry, place: string): Omit<KubeConfig, 'server' | 'socketPath'> {
  const plugin = asEntry(user['auth-provider']);
  if (user['auth-provider'] !== undefined) {
    throw new KubeconfigError(
      `${place} uses auth-provider ${text(plugin, 'name') ?? ''}, which Kubernetes has removed: use an exec credential plugin`,
    );
  }
  if (text(user, 'username') !== undefined) {
    throw new KubeconfigError(
      `${place} uses a password, which Kubernetes has removed: use a certificate, a token or exec`,
    );
  }
  return {
    ...dataOrFile(user, 'client-certificate', 'certPem', 'certFile', place),
    ...dataOrFile(user, 'client-key', 'keyPem', 'keyFile', place),
    ...optional('token', text(user, 'token')),
    ...optional('tokenFile', inDirectory(user, text(user, 'tokenFile'))),
    ...optional('exec', readExec(user, place)),
    ...optional('impersonate', readImpersonation(user)),
  };
}

function readExec(user: Entry, place: string): ExecPlugin | undefined {
  if (user.exec === undefined || user.exec === null) return undefined;
  const exec = asEntry(user.exec);
  const apiVersion = text(exec, 'apiVersion');
  if (apiVersion !== 'client.authentication.k8s.io/v1' && apiVersion !== 'client.authentication.k8s.io/v1beta1') {
    throw new KubeconfigError(`${place}: exec.apiVersion must be client.authentication.k8s.io/v1`);
  }
  const command = text(exec, 'command');
  if (command === undefined) throw new KubeconfigError(`${place}: exec.command is missing`);
  const mode = text(exec, 'interactiveMode');
  return {
    apiVersion,
    // A path with a separator is relative to the file; a bare name is looked up in PATH.
    command: command.includes('/') ? (inDirectory(user, command) ?? command) : command,
    args: Array.isArray(exec.args) ? exec.args.map(String) : [],
    env: Object.fromEntries(asList(exec.env).map((pair) => [text(pair, 'name') ?? '', text(pair, 'value') ?? ''])),
    provideClusterInfo: exec.provideClusterInfo === true,
    interactiveMode: mode === 'Never' || mode === 'Always' ? mode : 'IfAvailable',
    ...optional('installHint', text(exec, 'installHint')),
  };
}

function readImpersonation(user: Entry): Impersonation | undefined {
  const name = text(user, 'as');
  if (name === undefined) return undefined;
  const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
  return {
    user: name,
    groups: strings(user['as-groups']),
    extra: Object.fromEntries(
      Object.entries(asEntry(user['as-user-extra'])).map(([key, value]) => [key, strings(value)]),
    ),
    ...optional('uid', text(user, 'as-uid')),
  };
}

function dataOrFile(
  entry: Entry,
  field: string,
  pem: string,
  file: string,
  place: string,
): Readonly<Record<string, string>> {
  const data = text(entry, `${field}-data`);
  if (data !== undefined) {
    const decoded = Buffer.from(data, 'base64').toString('utf8');
    if (!decoded.includes('-----BEGIN ')) throw new KubeconfigError(`${place}: ${field}-data is not base64 of a PEM`);
    return { [pem]: decoded };
  }
  const path = inDirectory(entry, text(entry, field));
  return path === undefined ? {} : { [file]: path };
}

function inDirectory(entry: Entry, path: string | undefined): string | undefined {
  if (path === undefined || isAbsolute(path)) return path;
  return join(String(entry.directory), path);
}

function optional<V>(name: string, value: V | undefined): Readonly<Record<string, V>> {
  return value === undefined ? {} : { [name]: value };
}

function text(entry: Entry, field: string): string | undefined {
  const value = entry[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function asEntry(value: unknown): Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Entry) : {};
}

function asList(value: unknown): readonly Entry[] {
  return Array.isArray(value) ? value.map(asEntry) : [];
}
