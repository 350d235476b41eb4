import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ApiError, type KubeObject, TYPES } from '@osm/kube';
import { until } from './expect.ts';
import { configMap } from './objects.ts';
import { atEnd, client, uniqueName } from './server.ts';

const SERVER = fileURLToPath(new URL('webhook-server.ts', import.meta.url));

/** One request that a webhook was asked. */
export interface Asked {
  readonly path: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into requests of every shape
  readonly request: any;
}

/** Which webhook, and what else its entry in the configuration says. */
export interface HookOptions {
  readonly kind: 'Mutating' | 'Validating';
  /** Path of the webhook server, without the slash: its behaviour. */
  readonly path: string;
  readonly fields?: object;
}

/**
 * A webhook server at CONTRACT_WEBHOOK_ADDRESS, an address that the API server reaches, started by CONTRACT_WEBHOOK_COMMAND (a JSON
 * list of words; none: as it is). A Service without selector in the namespace leads to it.
 */
export class Hooks {
  readonly asked: Asked[] = [];
  readonly #namespace: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'osm-contract-hooks-'));
  #certificate = '';
  #server: ChildProcess | undefined;
  readonly #registered: { readonly type: typeof TYPES.mutatingWebhooks; readonly name: string }[] = [];

  constructor(namespace: string) {
    this.#namespace = namespace;
    before(() => this.#start());
    atEnd(() => this.#stop());
  }

  /** The entry of a webhook that is asked for ConfigMaps of the namespace with the label `hook: RUN`. */
  entry(run: string, name: string, { path, fields = {} }: HookOptions): object {
    return {
      name: `${name}.contract.example.com`,
      clientConfig: {
        service: { namespace: this.#namespace, name: 'hooks', port: 443, path: `/${path}` },
        caBundle: Buffer.from(this.#certificate).toString('base64'),
      },
      rules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': this.#namespace } },
      objectSelector: { matchLabels: { hook: run } },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 10,
      ...fields,
    };
  }

  /** Registers webhooks, each in a configuration of its own, and waits until they are asked. Their objects carry the label `hook: RUN`. */
  async register(hooks: Readonly<Record<string, HookOptions>>): Promise<string> {
    const run = uniqueName('hook');
    for (const [name, hook] of Object.entries(hooks)) await this.#configure(run, name, hook);
    return run;
  }

  async #configure(run: string, name: string, hook: HookOptions): Promise<void> {
    const type = hook.kind === 'Mutating' ? TYPES.mutatingWebhooks : TYPES.validatingWebhooks;
    // Configurations are asked in the order of their names.
    const metadata = { name: `${run}-${name}` };
    const kind = `${hook.kind}WebhookConfiguration`;
    const apiVersion = 'admissionregistration.k8s.io/v1';
    // At first nothing can go wrong, and every object of the run is asked for: so it shows when the webhook is in force.
    const path = `allow/${metadata.name}`;
    const marker = this.entry(run, name, { kind: hook.kind, path });
    await client.create(type, { apiVersion, kind, metadata, webhooks: [marker] });
    this.#registered.push({ type, name: metadata.name });
    await this.#untilAsked(run, path);
    await client.patch(type, metadata.name, 'merge', { webhooks: [this.entry(run, name, hook)] });
    // The marker is no longer asked once the entry itself is in force.
    await until(
      `${path} to be replaced`,
      async () => {
        const count = this.#count(path);
        await this.#probe(run);
        return this.#count(path) === count;
      },
      (replaced) => replaced,
    );
  }

  #count(path: string): number {
    return this.asked.filter((each) => each.path === `/${path}`).length;
  }

  async #untilAsked(run: string, path: string): Promise<void> {
    await until(
      `${path} to be asked`,
      async () => {
        await this.#probe(run);
        return this.#count(path);
      },
      (count) => count > 0,
    );
  }

  /** An object of the run that is not made; what the webhooks say of it does not matter. */
  async #probe(run: string): Promise<void> {
    const probe = configMap(uniqueName('probe'), {}, { hook: run, probe: 'yes' });
    await client
      .create(TYPES.configMaps, probe, { namespace: this.#namespace, dryRun: true })
      .catch((error) => (error instanceof ApiError ? undefined : Promise.reject(error)));
  }

  /** What the webhooks were asked of an object by this name. */
  async of(name: string): Promise<readonly Asked[]> {
    // The server has told of a request before it answers; what it told is read by the next turn.
    await nextTurn();
    return this.asked.filter(({ request }) => (request.name ?? '') === name);
  }

  /** Makes a ConfigMap of a run. */
  create(run: string, name: string, fields: object = {}, options: object = {}): Promise<KubeObject> {
    const object = { ...configMap(name, {}, { hook: run }), ...fields };
    return client.create(TYPES.configMaps, object, { namespace: this.#namespace, ...options });
  }

  async #start(): Promise<void> {
    const host = process.env.CONTRACT_WEBHOOK_ADDRESS;
    if (!host)
      throw new Error('CONTRACT_WEBHOOK_ADDRESS must be an address of this machine that the API server reaches');
    const [program = process.execPath, ...words] = [
      ...(JSON.parse(process.env.CONTRACT_WEBHOOK_COMMAND || '[]') as string[]),
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      SERVER,
    ];
    this.#certify(`hooks.${this.#namespace}.svc`);
    const server = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#server = server;
    const key = readFileSync(join(this.#directory, 'key.pem'), 'utf8');
    server.stdin.write(`${JSON.stringify({ host, key, cert: this.#certificate })}\n`);
    const lines = createInterface({ input: server.stdout });
    const ended = once(server, 'exit').then(([code]) => Promise.reject(new Error(`the webhook server ended: ${code}`)));
    ended.catch(() => {});
    const [first] = (await Promise.race([once(lines, 'line'), ended])) as [string];
    lines.on('line', (line: string) => this.asked.push(JSON.parse(line) as Asked));
    await this.#publish(host, (JSON.parse(first) as { port: number }).port);
  }

  async #publish(host: string, port: number): Promise<void> {
    const options = { namespace: this.#namespace };
    await client.create(
      TYPES.services,
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'hooks' },
        spec: { ports: [{ name: 'https', port: 443 }] },
      },
      options,
    );
    await client.create(
      TYPES.endpointSlices,
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'hooks', labels: { 'kubernetes.io/service-name': 'hooks' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [host], conditions: { ready: true } }],
        ports: [{ name: 'https', port, protocol: 'TCP' }],
      },
      options,
    );
  }

  #certify(name: string): void {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', '/CN=contract', '-addext', `subjectAltName=DNS:${name}`, '-keyout', 'key.pem', '-out', 'cert.pem'],
      ],
      { cwd: this.#directory, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#certificate = readFileSync(join(this.#directory, 'cert.pem'), 'utf8');
  }

  async #stop(): Promise<void> {
    for (const { type, name } of this.#registered) await client.delete(type, name);
    this.#server?.stdin?.end();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
