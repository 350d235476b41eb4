import { after } from 'node:test';
import type { ClientLimits } from '../config.ts';
import { createInformer, type InformerOptions } from '../informer.ts';
import { TYPES } from '../resource-types.ts';
import type { Change, Informer, KubeClient } from '../types.ts';
import { ObjectServer } from './object-server.ts';

const stops: (() => unknown)[] = [];
after(async () => {
  for (const stop of stops.reverse()) await stop();
});

/** An informer on a server of its own. */
export interface InformerBench {
  readonly server: ObjectServer;
  readonly client: KubeClient;
  readonly informer: Informer;
  /** The waits between its tries so far, milliseconds; each is over at once. */
  readonly waits: readonly number[];
  readonly errors: readonly unknown[];
  /** `TYPE name` of every change so far. */
  readonly log: string[];
}

/** `TYPE name` of a change. */
export const describe = (change: Change): string => `${change.type} ${change.object.metadata.name}`;

/** Starts a server, prepared by `before`, and an informer on it. */
export async function startInformer(
  options: InformerOptions & {
    readonly limits?: Partial<ClientLimits>;
    readonly before?: (server: ObjectServer) => void;
  } = {},
): Promise<InformerBench> {
  const server = await ObjectServer.start();
  const { limits, before, ...given } = options;
  before?.(server);
  const client = server.client(limits);
  const waits: number[] = [];
  const errors: unknown[] = [];
  const informer = createInformer(client, TYPES.configMaps, {
    wait: async (ms) => {
      waits.push(ms);
      await new Promise((resolve) => setImmediate(resolve));
    },
    onError: (error) => errors.push(error),
    ...given,
  });
  const log: string[] = [];
  informer.subscribe((change) => log.push(describe(change)));
  stops.push(
    () => server.http.stop(),
    () => client.close(),
    () => informer.stop(),
  );
  return { server, client, informer, waits, errors, log };
}
