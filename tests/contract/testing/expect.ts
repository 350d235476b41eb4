import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, type KubeClient, type KubeObject, type ResourceType, type WatchEvent } from '@osm/kube';
import { client } from './server.ts';

/** A value deep inside an object; undefined when the way there is broken. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every shape
export function at(value: unknown, ...path: readonly (string | number)[]): any {
  let here = value;
  for (const step of path) here = (here as Record<string | number, unknown> | null | undefined)?.[step];
  return here;
}

/** The refusal of a request: its code and reason must be these. */
export async function refused(request: Promise<unknown>, code: number, reason: string): Promise<ApiError> {
  const error = await request.then(
    (answer) => assert.fail(`not refused (${code} ${reason} is due): ${JSON.stringify(answer)?.slice(0, 500)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiError)) throw error;
  assert.equal(`${error.code} ${error.reason}`, `${code} ${reason}`, error.message);
  return error;
}

/** The fields that a refusal names. */
export const fieldsOf = (error: ApiError): readonly string[] =>
  (error.body?.details?.causes ?? []).map(({ field }) => field ?? '');

/** Looks until it holds, and returns what it then was. What it last was is told when it does not come within 20 s. */
export async function until<T>(what: string, look: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (performance.now() > deadline) assert.fail(`${what}: not within 20 s: ${JSON.stringify(value)?.slice(0, 2000)}`);
    await delay(50);
  }
}

/** Waits until an object is gone. */
export async function untilGone(type: ResourceType, name: string, namespace?: string): Promise<void> {
  await until(
    `the end of ${type.resource} ${name}`,
    () => find(type, name, namespace),
    (found) => found === undefined,
  );
}

/** The object, or undefined when there is none. */
export async function find(type: ResourceType, name: string, namespace?: string): Promise<KubeObject | undefined> {
  try {
    return await client.get(type, name, namespace === undefined ? {} : { namespace });
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}

/** Collects what a watch tells. */
export class WatchRecord {
  readonly events: WatchEvent[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #error: unknown;

  constructor(
    type: ResourceType,
    options: Omit<Parameters<KubeClient['watch']>[1], 'signal'>,
    watcher: KubeClient = client,
  ) {
    this.#ended = this.#read(watcher.watch(type, { ...options, signal: this.#stop.signal }));
  }

  async #read(events: AsyncIterable<WatchEvent>): Promise<void> {
    try {
      for await (const event of events) if (event.type !== 'BOOKMARK') this.events.push(event);
    } catch (error) {
      this.#error = error;
    }
  }

  /** `TYPE name` of each event. */
  get told(): readonly string[] {
    return this.events.map(({ type, object }) => `${type} ${object.metadata.name}`);
  }

  /** Waits until as many events have come, and ends the watch. */
  async end(count: number): Promise<readonly WatchEvent[]> {
    await until(
      `${count} events`,
      async () => this.told,
      (told) => told.length >= count || this.#error !== undefined,
    );
    this.#stop.abort();
    await this.#ended;
    if (this.#error !== undefined) throw this.#error;
    return this.events;
  }
}
