import { createServer } from 'node:net';
import type { MeshObject } from '@osm/core';
import { readSnapshot, type Snapshot } from '@osm/core';
import { meshOf } from '../../packages/core/src/testing/mesh.ts';
import { type Applications, createApplications } from './applications.ts';
import { type FuzzCall, SENT_PATHS } from './calls.ts';
import { clientHello, type Line, type Seen, sayBytes, sayHttp1, sayHttp2 } from './clients.ts';
import { startEnvoy } from './envoy-process.ts';
import { addProxy, bootstrapOf, emptyConfiguration } from './proxies.ts';
import { IDENTITIES, moveTo, NET, OUTSIDE, OUTSIDE_PORTS, SERVER_FIRST, TARGETS } from './world.ts';

/** Many worlds behind one Envoy. */
export interface Bench {
  readonly worlds: readonly PlacedWorld[];
  /** Makes a call of a world as it was drawn. */
  call(world: number, call: FuzzCall): Promise<Seen>;
  stop(): Promise<void>;
}

/** A world at a network of its own. */
export interface PlacedWorld {
  readonly net: string;
  readonly objects: readonly MeshObject[];
  readonly snapshot: Snapshot;
}

/** Worlds of one bench at most: each has a network `127.<n>`. */
export const MAX_WORLDS = 50;

/** Networks of a machine are shared out in blocks, so that several benches may run at once. */
const BLOCKS = [100, 150, 200] as const;
const LOCK_PORT = 18_000;
const OUTBOUND_PORT = 18_001;

const podsOf = (objects: readonly MeshObject[]): readonly MeshObject[] => objects.filter(({ kind }) => kind === 'Pod');

/** Addresses from which applications are called, so that they know by which service and pod they were reached. */
function createSources(block: number): { sourceFor(place: string): string; placeAt(address: string): string } {
  const places = new Map<string, string>();
  return {
    sourceFor(place) {
      const next = places.size + 1;
      const address = `127.${block}.${10 + (next >> 8)}.${next & 255}`;
      places.set(address, place);
      return address;
    },
    placeAt: (address) => places.get(address) ?? `unknown ${address}`,
  };
}

async function startOutside(applications: Applications, net: string): Promise<void> {
  for (const address of OUTSIDE) {
    for (const port of OUTSIDE_PORTS) {
      await applications.listen(moveTo(address, net), port, port === SERVER_FIRST, () => 'outside');
    }
  }
}

/** Takes a block of networks that no other bench has, until `free` is called. */
async function takeBlock(): Promise<{ readonly block: number; free(): void }> {
  for (const block of BLOCKS) {
    const lock = createServer();
    const taken = await new Promise<boolean>((resolve) => {
      lock.once('error', () => resolve(false));
      lock.listen(LOCK_PORT, `127.${block}.0.1`, () => resolve(true));
    });
    if (taken) return { block, free: () => lock.close() };
  }
  throw new Error(`${BLOCKS.length} benches run already`);
}

/** Starts one Envoy with all proxies of all worlds. Rejects with Envoy's log when it refuses them. */
export async function startBench(drawn: readonly (readonly MeshObject[])[]): Promise<Bench> {
  const { block, free } = await takeBlock();
  const applications = createApplications();
  const sources = createSources(block);
  const ports = new Map<number, number>();
  for (const target of TARGETS) {
    const port = await applications.listen('127.0.0.1', 0, target === SERVER_FIRST, ({ remoteAddress = '' }) =>
      sources.placeAt(remoteAddress),
    );
    ports.set(target, port);
  }
  const configuration = emptyConfiguration();
  const worlds: PlacedWorld[] = [];
  for (const [index, world] of drawn.entries()) {
    const net = `127.${block + index}`;
    const objects = moveTo(world, net);
    const snapshot = readSnapshot(meshOf(objects));
    worlds.push({ net, objects, snapshot });
    await startOutside(applications, net);
    const common = {
      outside: moveTo(OUTSIDE[0], net),
      applicationPort: (target: number): number => ports.get(target) ?? 1,
    };
    for (const [at, identity] of IDENTITIES.entries()) {
      addProxy(configuration, snapshot, identity, undefined, {
        ...common,
        prefix: `${index}.i${at}:`,
        outbound: [`${net}.4.${at + 1}`, OUTBOUND_PORT],
        pod: undefined,
        sourceFor: (service) => sources.sourceFor(service),
      });
    }
    for (const [at, { metadata, spec, status }] of podsOf(objects).entries()) {
      const { namespace = '', name } = metadata;
      const { podIP } = status as { podIP: string };
      addProxy(
        configuration,
        snapshot,
        `${namespace}/${(spec as { serviceAccountName: string }).serviceAccountName}`,
        { namespace, name },
        {
          ...common,
          prefix: `${index}.p${at}:`,
          outbound: [`${net}.4.${at + 101}`, OUTBOUND_PORT],
          pod: podIP,
          sourceFor: (service) => sources.sourceFor(`${service} ${podIP}`),
        },
      );
    }
  }
  const stopApplications = (): void => {
    applications.close();
    free();
  };
  const envoy = await startEnvoy(bootstrapOf(configuration)).catch((error: unknown) => {
    stopApplications();
    throw error;
  });
  return {
    worlds,
    call: (world, call) => make(call, worlds[world]!.net),
    async stop() {
      stopApplications();
      await envoy.stop();
    },
  };
}

function lineOf({ from, address, port }: FuzzCall): Line {
  const caller = IDENTITIES.indexOf(from);
  if (caller < 0) return { to: [address, port], from, header: '' };
  return {
    to: [`${NET}.4.${caller + 1}`, OUTBOUND_PORT],
    header: `PROXY TCP4 ${NET}.4.${caller + 1} ${address} 40000 ${port}\r\n`,
  };
}

async function make(drawn: FuzzCall, net: string): Promise<Seen> {
  const call = moveTo(drawn, net);
  const line = moveTo(lineOf(drawn), net);
  const [path] = SENT_PATHS[call.path]!;
  const color = call.color === undefined ? '' : `X-Color: ${call.color}\r\n`;
  switch (call.speech) {
    case 'http1':
      return sayHttp1(
        line,
        `${call.method} ${path} HTTP/1.1\r\nHost: ${call.host}\r\n${color}Connection: close\r\nContent-Length: 0\r\n\r\n`,
      );
    case 'http2':
      return sayHttp2(line, {
        ':method': call.method,
        ':path': path,
        ':authority': call.host,
        ':scheme': 'http',
        ...(call.color !== undefined && { 'x-color': call.color }),
      });
    case 'listen':
      return sayBytes(line, undefined);
    case 'tls':
      return sayBytes(line, await clientHello(call.host.replace(/:\d+$/, '')));
    default:
      return sayBytes(line, 'hello, is there anybody?\n');
  }
}
