import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Answer, Call } from './app/calls.ts';
import { ROOT, succeeded, TestCluster, until } from './cluster.ts';
import { RunningCommand } from './command.ts';

const NODE = `/opt/osm/node_modules/node-linux-${process.arch}/bin/node`;

/** Longer than a file of tests takes. */
const FILE_MS = 180_000;

/** An application of a test: a Deployment with a service account of its own. */
export interface App {
  readonly name: string;
  readonly namespace: string;
  /** What it serves, as the application's SERVE: `http:8080,tcp:9000`. */
  readonly serve?: string;
  /** Ports of a Service of the same name, as YAML of a Service; none: there is no Service. */
  readonly ports?: string;
  readonly serviceAccount?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Further fields of the pod's spec and of its container, as YAML in flow style without braces. */
  readonly pod?: string;
  readonly container?: string;
}

/** The manifest of an application. */
export function manifest(app: App): string {
  const { name, namespace, serve = '', ports, serviceAccount = name, labels = {} } = app;
  const all = JSON.stringify({ app: name, ...labels });
  const service =
    ports === undefined
      ? ''
      : `---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec: {selector: {app: ${name}}, ports: ${ports}}
`;
  return `---
apiVersion: v1
kind: ServiceAccount
metadata: {name: ${serviceAccount}, namespace: ${namespace}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: ${all}}
    spec:
      serviceAccountName: ${serviceAccount}
      terminationGracePeriodSeconds: 3
      ${app.pod ?? ''}
      containers:
      - name: app
        image: test-app
        env:
        - {name: NAME, value: ${name}}
        - {name: SERVE, value: "${serve}"}
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        ${app.container ?? ''}
${service}`;
}

/** What came of a call; `error` is empty unless nothing did. */
export type Answered = Answer & { readonly error: string };

/** A test's cluster with the mesh installed, and applications that make calls on demand. */
export class MeshCluster extends TestCluster {
  private readonly callers = new Map<string, { readonly port: string; readonly forward: RunningCommand }>();

  /** Brings cluster and mesh up; `meshed` namespaces take part, `outside` ones do not. */
  async start(meshed: readonly string[], outside: readonly string[] = [], ...set: readonly string[]): Promise<this> {
    await this.up();
    const node = [NODE, '--disable-warning=ExperimentalWarning', '/opt/osm/app/main.ts'];
    const mounts = ['--mount', `${join(ROOT, 'node_modules')}:/opt/osm/node_modules`];
    mounts.push('--mount', `${join(ROOT, 'tests/e2e/testing/app')}:/opt/osm/app`);
    succeeded(
      await this.osm(['local', 'image', 'add', 'test-app', ...mounts, '--', ...node]),
      'osm local image add test-app',
    );
    await this.apply(
      [...meshed, ...outside]
        .map((name) => `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`)
        .join('---\n'),
    );
    const settings = ['osm.enableEgress=false', ...set].flatMap((each) => ['--set', each]);
    succeeded(await this.osm(['install', ...settings]), 'osm install');
    succeeded(await this.osm(['namespace', 'add', ...meshed]), 'osm namespace add');
    return this;
  }

  /** Runs applications; resolves when their pods are ready. */
  async run(...apps: readonly App[]): Promise<void> {
    await this.apply(apps.map(manifest).join(''));
    await Promise.all(
      apps.map(({ name, namespace }) =>
        this.ok('rollout', 'status', `deploy/${name}`, '-n', namespace, '--timeout=50s'),
      ),
    );
  }

  /** Lets an application (`namespace/name`, of a Deployment unless it says otherwise) make a call. */
  async call(app: string, call: Call): Promise<Answered> {
    const caller = this.callers.get(app) ?? (await this.openCaller(app));
    const response = await fetch(`http://127.0.0.1:${caller.port}/`, { method: 'POST', body: JSON.stringify(call) });
    return { error: '', ...((await response.json()) as Answer) };
  }

  /**
   * Opens a way to the port at which an application takes orders. kubectl gives a way up for good when nothing listens there yet, so
   * it is opened anew until an order is answered.
   */
  private async openCaller(app: string): Promise<{ readonly port: string; readonly forward: RunningCommand }> {
    const [namespace = '', ...rest] = app.split('/');
    const target = rest.length > 1 ? rest.join('/') : `deploy/${rest[0]}`;
    const words = ['port-forward', '-n', namespace, target, ':9900'];
    let caller: { readonly port: string; readonly forward: RunningCommand } | undefined;
    await until(`${app} takes orders`, async () => {
      const forward = new RunningCommand('kubectl', words, { env: this.env }, FILE_MS);
      const [, port = ''] = await forward.says(/127\.0\.0\.1:(\d+) ->/);
      const order = { method: 'POST', body: JSON.stringify({ call: 'nothing' }) };
      const answered = await fetch(`http://127.0.0.1:${port}/`, order).then(
        () => true,
        () => false,
      );
      if (answered) caller = { port, forward };
      else await forward.end();
      return answered;
    });
    assert.ok(caller);
    this.callers.set(app, caller);
    return caller;
  }

  /** Merges into the spec of the MeshConfig. */
  async config(spec: object): Promise<void> {
    const patch = JSON.stringify({ spec });
    await this.ok('patch', 'meshconfig', 'osm-mesh-config', '-n', 'osm-system', '--type=merge', '-p', patch);
  }

  /** A Secret with a self-signed certificate for names, and its certificate as `ca.crt`. */
  async tlsSecret(secret: string, namespace: string, ...names: readonly string[]): Promise<void> {
    const files = { key: join(this.directory, `${secret}.key`), crt: join(this.directory, `${secret}.crt`) };
    const subject = [
      '-subj',
      `/CN=${names[0]}`,
      '-addext',
      `subjectAltName=${names.map((name) => `DNS:${name}`).join()}`,
    ];
    const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    succeeded(
      await this.command('openssl', [...words, ...subject, '-keyout', files.key, '-out', files.crt]),
      'openssl req',
    );
    const from = [`tls.key=${files.key}`, `tls.crt=${files.crt}`, `ca.crt=${files.crt}`].map(
      (file) => `--from-file=${file}`,
    );
    await this.ok('create', 'secret', 'generic', secret, '-n', namespace, ...from);
  }

  /** A GET; the rest of the call may say more. */
  get(app: string, url: string, headers: Record<string, string> = {}): Promise<Answered> {
    return this.call(app, { call: 'http', url, headers });
  }

  /** Calls until the answer is as expected: for what a policy has yet to bring about. */
  async eventually(app: string, call: Call, expected: (answer: Answered) => boolean, what: string): Promise<Answered> {
    let last: Answered = { error: '' };
    await until(`${what}`, async () => {
      last = await this.call(app, call);
      return expected(last);
    }).catch((error: Error) => assert.fail(`${error.message}; last: ${JSON.stringify(last)}`));
    return last;
  }

  /** Calls until the status is this one. */
  status(app: string, url: string, status: number, headers: Record<string, string> = {}): Promise<Answered> {
    const call: Call = { call: 'http', url, headers };
    return this.eventually(app, call, (answer) => answer.status === status, `${app} gets ${status} from ${url}`);
  }

  override async end(): Promise<void> {
    for (const { forward } of this.callers.values()) await forward.end();
    await super.end();
  }
}
