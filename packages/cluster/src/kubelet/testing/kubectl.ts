import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { TYPES } from '@osm/kube';
import { shellQuote } from '../container-process.ts';
import type { Bench } from './bench.ts';

const KUBECTL = fileURLToPath(new URL('../../../../../gen/bin/kubectl', import.meta.url));

/** The unmodified kubectl against a bench: just enough of an API server in front of its kubelet. */
export class Kubectl {
  private readonly server: Server;
  private readonly bench: Bench;
  /** Added to kubectl's environment. */
  readonly env: Record<string, string> = {};
  /** Protocols of the upgrades it asked for. */
  readonly upgrades: string[] = [];

  constructor(bench: Bench) {
    if (!existsSync(KUBECTL)) throw new Error('gen/bin/kubectl is missing: run npm run setup');
    this.bench = bench;
    this.server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://api');
      const answer = this.answer(url.pathname);
      if (answer) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      else {
        request.url = toKubelet(url);
        this.bench.kubelet?.handler(request, response);
      }
    });
    this.server.on('upgrade', (request, socket, head) => {
      this.upgrades.push(request.headers.upgrade?.toLowerCase() ?? '');
      request.url = toKubelet(new URL(request.url ?? '/', 'http://api'));
      this.bench.kubelet?.upgrade(request, socket, head);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The command line for a shell. */
  line(...args: readonly string[]): string {
    return [KUBECTL, ...this.arguments(args)].map(shellQuote).join(' ');
  }

  private arguments(args: readonly string[]): readonly string[] {
    const [verb = '', ...rest] = args;
    return [verb, `--server=http://127.0.0.1:${this.port}`, '--namespace=test', ...rest];
  }

  spawn(...args: readonly string[]): ChildProcess {
    return spawn(KUBECTL, this.arguments(args), {
      env: { HOME: this.bench.stateDir, PATH: process.env.PATH, ...this.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** Runs to the end with the given input. */
  async run(args: readonly string[], input = ''): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = this.spawn(...args);
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8');
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    child.stdin?.end(input);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { code, stdout, stderr };
  }

  private answer(path: string): object | undefined {
    const pod = /^\/api\/v1\/namespaces\/test\/pods\/([^/]+)$/.exec(path)?.[1];
    if (pod) return this.bench.api.peek(TYPES.pods, pod, 'test');
    const verbs = ['get', 'create', 'list', 'watch'];
    if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
    if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: [] };
    if (path === '/api/v1')
      return {
        kind: 'APIResourceList',
        groupVersion: 'v1',
        resources: [{ name: 'pods', singularName: 'pod', kind: 'Pod', namespaced: true, verbs }],
      };
    return undefined;
  }
}

/** `/api/v1/namespaces/NS/pods/POD/exec?…` as the API server passes it to the node. */
function toKubelet(url: URL): string {
  const match = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/(log|exec|attach|portforward)$/.exec(url.pathname);
  if (!match) return '/unknown';
  const verb = match[3] === 'log' ? 'logs' : match[3];
  const container = verb === 'portforward' ? '' : `/${url.searchParams.get('container') ?? ''}`;
  return `/${verb}/${match[1]}/${match[2]}${container}${url.search}`;
}
