import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { after, before } from 'node:test';
import { createKubeClient, type KubeClient, type KubeConfig, loadKubeconfig, TYPES } from '@osm/kube';

/**
 * The cluster that the contract is held against: an administrator's kubeconfig, named by CONTRACT_KUBECONFIG. The suite knows
 * nothing else of it, so that the embedded cluster and a real Kubernetes are asked the same.
 */
function readConfig(): KubeConfig {
  const path = process.env.CONTRACT_KUBECONFIG;
  if (!path)
    throw new Error('CONTRACT_KUBECONFIG must name an administrator’s kubeconfig: run node tests/run.ts contract');
  return loadKubeconfig(path);
}

/** How the administrator reaches the cluster. */
export const config: KubeConfig = readConfig();

/** The administrator's client. */
export const client: KubeClient = createKubeClient(config);

/** A client of somebody else: whoever the administrator may speak for. Closed after the tests of the file. */
export function clientOf(user: string, groups: readonly string[] = []): KubeClient {
  return other({ ...config, impersonate: { user, groups, extra: {} } });
}

/** A client with a bearer token and nothing else. */
export function clientWithToken(token: string): KubeClient {
  const { certPem, keyPem, certFile, keyFile, exec, tokenFile, ...rest } = config;
  return other({ ...(rest as KubeConfig), token });
}

const others: KubeClient[] = [];

function other(settings: KubeConfig): KubeClient {
  const made = createKubeClient(settings);
  others.push(made);
  return made;
}

/** A name that no other run of the suite uses. */
export const uniqueName = (stem: string): string => `${stem}-${randomBytes(4).toString('hex')}`;

const ends: (() => Promise<unknown>)[] = [() => close()];
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** Runs something after the tests of the file, what came last first; clients are closed at the very end. */
export function atEnd(end: () => Promise<unknown>): void {
  ends.push(end);
}

async function close(): Promise<void> {
  for (const each of [client, ...others]) each.close();
}

/** A namespace for the tests of one file, made before and deleted after them. */
export function ownNamespace(stem: string, labels: Readonly<Record<string, string>> = {}): string {
  const name = uniqueName(`contract-${stem}`);
  before(() => client.create(TYPES.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }));
  atEnd(() => client.delete(TYPES.namespaces, name));
  return name;
}

/** What a plain request is made of; a body that is no string is sent as JSON. */
export interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without the administrator's credentials. */
  readonly anonymous?: boolean;
}

/** A plain answer. `json` is undefined when it is not JSON. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

const pem = (text: string | undefined, file: string | undefined): string | undefined =>
  text ?? (file === undefined ? undefined : readFileSync(file, 'utf8'));

/** One request of the administrator with headers of its own, for what a client has no verb for. */
export function open(
  path: string,
  { method = 'GET', body, headers = {}, anonymous = false }: Ask = {},
): Promise<IncomingMessage> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const bearer = config.token === undefined || anonymous ? {} : { authorization: `Bearer ${config.token}` };
  const content = text === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const call = request(
      `${config.server}${path}`,
      {
        method,
        agent: false,
        ca: pem(config.caPem, config.caFile),
        ...(anonymous ? {} : { cert: pem(config.certPem, config.certFile), key: pem(config.keyPem, config.keyFile) }),
        ...(config.serverName === undefined ? {} : { servername: config.serverName }),
        headers: { ...bearer, ...content, ...headers },
      },
      resolve,
    );
    call.on('error', reject);
    call.end(text);
  });
}

/** As {@link open}, with the whole answer. */
export async function ask(path: string, options: Ask = {}): Promise<Reply> {
  const response = await open(path, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
