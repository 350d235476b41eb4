import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ClusterJson,
  encodeBootstrap,
  type ListenerJson,
  type Resource,
  staticBootstrap,
  TYPE_URL,
} from '@osm/envoy';
import { envoyBinary } from '@osm/envoy/binary';
import type { ProxyPlan } from '../../plan/types.ts';
import { toResources } from '../to-resources.ts';
import { TEST_CERTIFICATES, TEST_ROOT, type TestCertificate } from './certificates.ts';

/**
 * Runs the real Envoy with what a plan becomes, on loopback addresses and without redirection: its listeners are bound
 * to every address that clients are to dial, so that the original destination of a connection is where it arrived.
 */

/** A port that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** Waits until a condition holds. It may fail meanwhile. */
export async function until<T>(what: string, look: () => Promise<T | undefined>, ms = 15_000): Promise<T> {
  const end = Date.now() + ms;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await delay(20);
  }
  throw new Error(`${what}: not within ${ms} ms`, { cause: last });
}

/** An address and a port. */
export type Address = readonly [address: string, port: number];

const socketAddress = ([address, portValue]: Address): NonNullable<ListenerJson['address']> => ({
  socketAddress: { address, portValue },
});

/** Where the listeners of a proxy are bound, and where addresses that clients dial are in truth. */
export interface Bindings {
  readonly inbound?: readonly Address[];
  readonly outbound?: readonly Address[];
  readonly metrics?: readonly Address[];
  /** Destinations by cluster name: a connection that goes on to where it arrived would come back. */
  readonly destinations?: Readonly<Record<string, Address>>;
}

function bind(resource: Resource, bindings: Bindings): Resource | undefined {
  if (resource.typeUrl === TYPE_URL.listener) {
    const addresses = {
      'inbound-listener': bindings.inbound,
      'outbound-listener': bindings.outbound,
      'inbound-prometheus-listener': bindings.metrics,
    }[resource.name];
    const [first, ...others] = addresses ?? [];
    if (first === undefined) return undefined;
    const json: ListenerJson = {
      ...(resource.json as ListenerJson),
      address: socketAddress(first),
      additionalAddresses: others.map((address) => ({ address: socketAddress(address) })),
    };
    return { ...resource, json };
  }
  const address = bindings.destinations?.[resource.name];
  if (address === undefined) return resource;
  const { lbPolicy: _, ...rest } = resource.json as ClusterJson;
  const loadAssignment = {
    clusterName: resource.name,
    endpoints: [{ lbEndpoints: [{ endpoint: { address: socketAddress(address) } }] }],
  };
  return { ...resource, json: { ...rest, type: 'STATIC', loadAssignment } };
}

function certificateOf({ identity: { namespace, serviceAccount } }: ProxyPlan): TestCertificate {
  const certificate = TEST_CERTIFICATES[`${namespace}/${serviceAccount}`];
  if (certificate === undefined) throw new Error(`no test certificate for ${namespace}/${serviceAccount}`);
  return certificate;
}

/** The secrets that resources of a plan refer to. */
export function secretsOf(plan: ProxyPlan, own: TestCertificate = certificateOf(plan)): readonly Resource[] {
  const { namespace, serviceAccount } = plan.identity;
  const secret = (name: string, json: object): Resource => ({
    typeUrl: TYPE_URL.secret,
    name,
    json: { name, ...json },
  });
  const trustedCa = { inlineString: TEST_ROOT };
  const services = new Map(
    [...plan.upstreams.values()].map((each) => [`${each.service.namespace}/${each.service.name}`, each]),
  );
  const certificate = {
    tlsCertificate: { certificateChain: { inlineString: own.chainPem }, privateKey: { inlineString: own.keyPem } },
  };
  return [
    secret('service-cert', certificate),
    secret(`service-cert:${namespace}/${serviceAccount}`, certificate),
    secret(`root-cert-for-mtls-inbound:${namespace}/${serviceAccount}`, { validationContext: { trustedCa } }),
    ...[...services].map(([service, { servers }]) =>
      secret(`root-cert-for-mtls-outbound:${service}`, {
        validationContext: {
          trustedCa,
          matchTypedSubjectAltNames: servers.map((server) => ({
            sanType: 'URI',
            matcher: { exact: `spiffe://${plan.trustDomain}/${server.serviceAccount}/${server.namespace}` },
          })),
        },
      }),
    ),
  ];
}

/** A running proxy. */
export interface RunningProxy {
  /** Standard output: access logs. */
  output(): Promise<string>;
  /** A counter or gauge; 0 when there is none. */
  stat(name: string): Promise<number>;
  /** Gives the proxy the listeners of another plan, whose other resources are the same, while it runs. */
  update(plan: ProxyPlan): Promise<void>;
}

/** Everything of a proxy as a bootstrap, and its listeners as the file from which it reads them. */
function configurationOf(plan: ProxyPlan, bindings: Bindings, listenersFile: string) {
  const resources = [...toResources(plan).flatMap((each) => bind(each, bindings) ?? []), ...secretsOf(plan)];
  const bootstrap = staticBootstrap(resources);
  const { listeners = [], ...staticResources } = bootstrap.staticResources ?? {};
  const configuration = encodeBootstrap({
    ...bootstrap,
    staticResources,
    dynamicResources: {
      ...bootstrap.dynamicResources,
      ldsConfig: { pathConfigSource: { path: listenersFile }, resourceApiVersion: 'V3' },
    },
    admin: { address: socketAddress(['127.0.0.1', 0]) },
  });
  const file = { resources: listeners.map((listener) => ({ '@type': TYPE_URL.listener, ...listener })) };
  return { configuration, listeners: JSON.stringify(file) };
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a proxy for the duration of a test. Rejects with Envoy's log when it does not start. */
export async function startProxy(t: TestContext, plan: ProxyPlan, bindings: Bindings): Promise<RunningProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'osm-proxy-'));
  const listenersFile = join(folder, 'listeners.json');
  const writeListeners = async (text: string): Promise<void> => {
    // Envoy reads the file again when another is moved into its place.
    await writeFile(`${listenersFile}.new`, text, { mode: 0o600 });
    await rename(`${listenersFile}.new`, listenersFile);
  };
  const { configuration, listeners } = configurationOf(plan, bindings, listenersFile);
  await writeListeners(listeners);
  await writeFile(join(folder, 'bootstrap.json'), configuration, { mode: 0o600 });
  const args = ['-c', join(folder, 'bootstrap.json'), '--admin-address-path', join(folder, 'admin')];
  // Envoy opens its standard output as a file, which the socket that Node.js would give it cannot be.
  const output = await open(join(folder, 'output'), 'w');
  const child = spawn(
    envoyBinary(),
    [
      ...args,
      '--use-dynamic-base-id',
      '--concurrency',
      '1',
      '-l',
      'warning',
      '--file-flush-interval-msec',
      '20',
      '--drain-time-s',
      '1',
    ],
    { stdio: ['ignore', output.fd, 'pipe'] },
  );
  await output.close();
  running.add(child);
  const log: string[] = [];
  child.stderr?.on('data', (part: Buffer) => log.push(String(part)));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
    running.delete(child);
    await rm(folder, { recursive: true, force: true });
  });
  const admin = async (path: string): Promise<string> => {
    if (child.exitCode !== null) throw new Error(`Envoy ended: ${log.join('')}`);
    const response = await fetch(`http://${(await readFile(join(folder, 'admin'), 'utf8')).trim()}${path}`);
    return response.text();
  };
  await until('Envoy is live', async () => ((await admin('/ready')).startsWith('LIVE') ? true : undefined));
  return {
    update: (changed) => writeListeners(configurationOf(changed, bindings, listenersFile).listeners),
    output: () => readFile(join(folder, 'output'), 'utf8'),
    async stat(name) {
      const line = (await admin('/stats')).split('\n').find((each) => each.startsWith(`${name}: `));
      return Number(line?.split(': ')[1] ?? 0);
    },
  };
}
