import type { IncomingMessage } from 'node:http';
import { answerTooLarge, fromStatus, invalidAnswer } from './status.ts';
import { ApiError, type KubeObject, type StatusBody, type WatchEvent } from './types.ts';

/** Bounds of a watch stream. */
export interface WatchBounds {
  readonly silenceMs: number;
  readonly eventBytes: number;
  /** `GET path`, for errors. */
  readonly request: string;
  readonly address: string;
}

const NEWLINE = 10;
const TYPES: ReadonlySet<string> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);

/**
 * Reads a watch: one JSON object per line
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes). Ends with the stream; throws
 * ApiError for an ERROR event, for silence longer than the bound, and for what is not a watch event.
 */
export async function* readWatch<T extends KubeObject>(
  response: IncomingMessage,
  bounds: WatchBounds,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  try {
    for await (const line of readLines(response, bounds)) {
      if (line.length > 0) yield readEvent<T>(line, bounds);
    }
  } finally {
    response.destroy();
  }
}

/** Complete lines, and what is left at the end. Time runs only while waiting for the server. */
async function* readLines(response: IncomingMessage, bounds: WatchBounds): AsyncGenerator<Buffer, void, undefined> {
  const chunks = (response as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let held: Buffer[] = [];
  let size = 0;
  for (;;) {
    const next = await nextChunk(chunks, response, bounds);
    if (next === undefined) break;
    let from = 0;
    for (let at = next.indexOf(NEWLINE); at >= 0; at = next.indexOf(NEWLINE, from)) {
      const part = next.subarray(from, at);
      from = at + 1;
      checkSize(size + part.length, bounds);
      yield held.length === 0 ? part : Buffer.concat([...held, part]);
      held = [];
      size = 0;
    }
    const rest = next.subarray(from);
    if (rest.length === 0) continue;
    held.push(rest);
    size += rest.length;
    checkSize(size, bounds);
  }
  // A stream that was cut within an event has nothing more to say than that it ended.
}

async function nextChunk(
  chunks: AsyncIterator<Buffer>,
  response: IncomingMessage,
  bounds: WatchBounds,
): Promise<Buffer | undefined> {
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    response.destroy();
  }, bounds.silenceMs);
  try {
    const { done, value } = await chunks.next();
    if (silent) throw silence(bounds);
    return done === true ? undefined : value;
  } catch (error) {
    if (silent) throw silence(bounds);
    // A connection that breaks is how a watch ends as often as not.
    if (error instanceof ApiError) throw error;
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function silence(bounds: WatchBounds): ApiError {
  const seconds = bounds.silenceMs / 1000;
  return new ApiError(
    0,
    'Unreachable',
    `${bounds.request}: the API server at ${bounds.address} has been silent for ${seconds} s`,
  );
}

function checkSize(size: number, bounds: WatchBounds): void {
  if (size > bounds.eventBytes) {
    throw answerTooLarge(200, 'a watch event', bounds.eventBytes, bounds.request);
  }
}

function readEvent<T extends KubeObject>(line: Buffer, bounds: WatchBounds): WatchEvent<T> {
  let event: { type?: unknown; object?: unknown } | null;
  try {
    event = JSON.parse(line.toString('utf8'));
  } catch {
    throw invalidAnswer(200, 'a watch event is not JSON', bounds.request);
  }
  const { type, object } = event ?? {};
  if (type === 'ERROR') throw fromStatus((object ?? {}) as StatusBody, 500, bounds.request);
  if (typeof type !== 'string' || !TYPES.has(type) || typeof (object as KubeObject | null)?.metadata !== 'object') {
    throw invalidAnswer(200, `not a watch event (type ${JSON.stringify(type)})`, bounds.request);
  }
  return event as unknown as WatchEvent<T>;
}
