import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeLink } from '../../types.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../index.ts';
import { Authority, type Pair } from './authority.ts';
import { until, WatchReader } from './watch-reader.ts';

const GEN = fileURLToPath(new URL('../../../../../gen', import.meta.url));

/** The published Kubernetes schema. */
export const SCHEMA: unknown = JSON.parse(readFileSync(join(GEN, 'kubernetes-schema.json'), 'utf8'));

/** What a request was answered with. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly json: any;
}

/** Options of one request of a test. */
export interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly user?: Pair | 'anonymous';
}

/** How a command ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running API server with certificates of its own, and kubectl and helm that reach it. */
export class Bench {
  readonly directory: string;
  readonly authority: Authority;
  readonly admin: Pair;
  readonly #options: ApiServerOptions;
  #server: ApiServer | undefined;

  constructor(options: Partial<ApiServerOptions> & { readonly nodeLink?: () => NodeLink | undefined } = {}) {
    this.directory = mkdtempSync(join(tmpdir(), 'osm-api-'));
    this.authority = new Authority(this.directory);
    const serving = this.authority.issue('/CN=kubernetes', 'DNS:localhost,DNS:kubernetes,IP:127.0.0.1');
    this.admin = this.authority.issue('/O=system:masters/CN=admin');
    const { nodeLink, ...given } = options;
    this.#options = {
      stateFile: join(this.directory, 'state.sqlite'),
      socketPath: join(this.directory, 'api.sock'),
      host: '127.0.0.1',
      port: 0,
      servingCertificate: serving,
      clientCaPem: this.authority.certPem,
      serviceAccountKeyPem: generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString(),
      serviceAccountIssuer: 'https://kubernetes.default.svc',
      serviceCidr: '198.18.0.0/16',
      node: nodeLink ?? (() => undefined),
      schemaJson: SCHEMA,
      onError: (message) => process.stderr.write(`${message}\n`),
      ...given,
    };
  }

  get server(): ApiServer {
    if (this.#server === undefined) throw new Error('the bench is not started');
    return this.#server;
  }

  get url(): string {
    return `https://127.0.0.1:${this.server.port}`;
  }

  async start(): Promise<this> {
    this.#server = await startApiServer(this.#options);
    this.writeKubeconfig();
    return this;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  /** Stops the server and removes everything. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** A client certificate. */
  user(name: string, ...groups: readonly string[]): Pair {
    return this.authority.issue(`${groups.map((group) => `/O=${group}`).join('')}/CN=${name}`);
  }

  /** A GET whose answer is kept as bytes. */
  askBytes(
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ status: number; headers: Reply['headers']; bytes: Buffer }> {
    return this.#exchange(path, { headers });
  }

  /** One request over TCP; a body that is a string is sent as it is. */
  async ask(path: string, options: Ask = {}): Promise<Reply> {
    const { status, headers, bytes } = await this.#exchange(path, options);
    const text = bytes.toString();
    return { status, headers, text, json: parse(text) };
  }

  #exchange(
    path: string,
    { method = 'GET', body, headers = {}, user = this.admin }: Ask,
  ): Promise<{ status: number; headers: Reply['headers']; bytes: Buffer }> {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const credentials = user === 'anonymous' ? {} : { cert: user.certPem, key: user.keyPem };
    return new Promise((resolve, reject) => {
      const call = request(
        `${this.url}${path}`,
        {
          method,
          ca: this.authority.certPem,
          ...credentials,
          agent: false,
          headers: {
            ...(text === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }),
          );
          response.on('error', reject);
        },
      );
      call.on('error', reject);
      call.end(text);
    });
  }

  /** Opens a watch; `lines` holds the events read so far. */
  watch(path: string, headers: Readonly<Record<string, string>> = {}): Promise<WatchReader> {
    return new Promise((resolve, reject) => {
      const call = request(
        `${this.url}${path}`,
        { ca: this.authority.certPem, cert: this.admin.certPem, key: this.admin.keyPem, agent: false, headers },
        (response) => resolve(new WatchReader(response)),
      );
      call.on('error', reject);
      call.end();
    });
  }

  kubectl(args: readonly string[], input = '', env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    return this.run('kubectl', args, input, env);
  }

  /** A kubectl that goes on until it is ended. */
  spawnKubectl(args: readonly string[]): { stdout(): string; kill(): void } {
    const child = this.launch('kubectl', args, {});
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    return { stdout: () => stdout, kill: () => child.kill() };
  }

  /** Waits until something holds; fails after 20 s. */
  until(holds: () => Promise<boolean>): Promise<void> {
    return until(holds);
  }

  helm(args: readonly string[], input = ''): Promise<Outcome> {
    return this.run('helm', args, input, {});
  }

  private launch(program: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    const path = join(GEN, 'bin', program);
    if (!existsSync(path)) throw new Error(`gen/bin/${program} is missing: run npm run setup`);
    const home = { HOME: this.directory, PATH: process.env.PATH, KUBECONFIG: join(this.directory, 'kubeconfig') };
    return spawn(path, args, { cwd: this.directory, env: { ...home, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  private run(
    program: string,
    args: readonly string[],
    input: string,
    env: Readonly<Record<string, string>>,
  ): Promise<Outcome> {
    const child = this.launch(program, args, env);
    const streams = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      streams.stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      streams.stderr += chunk.toString();
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, ...streams }));
    });
  }

  private writeKubeconfig(): void {
    const data = (text: string) => Buffer.from(text).toString('base64');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [
        { name: 'test', cluster: { server: this.url, 'certificate-authority-data': data(this.authority.certPem) } },
      ],
      users: [
        {
          name: 'admin',
          user: { 'client-certificate-data': data(this.admin.certPem), 'client-key-data': data(this.admin.keyPem) },
        },
      ],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    };
    mkdirSync(join(this.directory, 'work'), { recursive: true });
    writeFileSync(join(this.directory, 'kubeconfig'), JSON.stringify(config));
  }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
