import type { ServerResponse } from 'node:http';
import { bucketOf } from '../kinds/index.ts';
import type { StoredObject, StoreEvent } from '../store/index.ts';
import type { ServedType } from '../types.ts';
import { badRequest, expired, invalid } from './errors.ts';
import { type Rendering, renderBookmark, renderEvent, served } from './render.ts';
import type { Selector } from './selectors.ts';
import type { ApiState } from './state.ts';

/** What part of a resource type a list or watch shows. */
export interface Selection {
  /** '' for all namespaces. */
  readonly namespace: string;
  readonly matches: Selector;
}

/** One running watch. */
export interface Watch {
  readonly type: ServedType;
  /** Sends a bookmark if the client takes them and is not behind. */
  bookmark(): void;
  /** Ends the stream properly, so that the client resumes elsewhere. */
  end(): void;
}

/** How a watch begins and ends. */
interface WatchStart {
  readonly revision: number;
  readonly initial: readonly StoredObject[];
  readonly initialBookmark: boolean;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
}

/** Time between the last bookmark of a watch and its end. */
const LAST_BOOKMARK_MS = 2_000;

/** Events written between two looks at the socket's buffer. */
const BATCH = 256;

const isTrue = (value: string | null): boolean => value === 'true' || value === '1';

/** The revision named in a query, or `undefined` for none. Throws BadRequest for anything but a number. */
export const readRevision = (query: URLSearchParams): number | undefined => {
  const text = query.get('resourceVersion');
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`resourceVersion: Invalid value: "${text}": must be a number`);
  return Number(text);
};

/**
 * Where a watch starts: after the given revision; without one (or 0) at the present, shown as ADDED events first; with
 * `sendInitialEvents` the present is followed by a bookmark that says so
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists).
 */
const readStart = (
  api: ApiState,
  type: ServedType,
  query: URLSearchParams,
  selected: () => StoredObject[],
): WatchStart => {
  const revision = readRevision(query);
  const send = query.get('sendInitialEvents');
  if (send !== null && query.get('resourceVersionMatch') !== 'NotOlderThan')
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      {
        path: 'resourceVersionMatch',
        reason: 'FieldValueForbidden',
        message: 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
      },
    ]);
  const bookmarks = isTrue(query.get('allowWatchBookmarks'));
  const initial = send === null ? revision === undefined || revision === 0 : isTrue(send);
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  // Without a limit of its own a watch ends after 30 to 60 minutes, spread so that clients do not return all at once.
  const timeoutMs = seconds > 0 ? seconds * 1000 : (30 + Math.random() * 30) * 60_000;
  const present = api.store.revision;
  if (revision !== undefined && revision > present)
    throw expired(`resource version ${revision} is newer than the newest of ${type.resource} (${present})`);
  return {
    revision: initial || revision === undefined ? present : revision,
    initial: initial ? selected() : [],
    initialBookmark: initial && bookmarks && send !== null,
    bookmarks,
    timeoutMs,
  };
};

/** Streams the changes of a selection until the client leaves, the time is over, or the history is lost. */
export const serveWatch = (
  api: ApiState,
  rendering: Rendering,
  selection: Selection,
  query: URLSearchParams,
  response: ServerResponse,
  running: Set<Watch>,
): void => {
  const { type } = rendering;
  const bucket = bucketOf(type);
  const ring = api.store.ring(bucket);
  const shown = shows(type, selection);
  const start = readStart(api, type, query, () =>
    api.store.list(bucket, selection.namespace || undefined).filter((item) => shown(item)),
  );
  let cursor = start.revision;
  let headers = true;
  let blocked = false;
  let scheduled = false;
  let ended = false;
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });

  const send = (event: string, stored: StoredObject): void => {
    blocked = !response.write(renderEvent({ ...rendering, now: api.now() }, event, stored, headers)) || blocked;
    headers = false;
  };
  const pump = (): void => {
    scheduled = false;
    while (!blocked && !ended) {
      const events = ring.since(cursor, BATCH);
      if (events === undefined) {
        const status = expired(`too old resource version: ${cursor} (${ring.oldest})`).body;
        response.write(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
        watch.end();
        return;
      }
      if (events.length === 0) return;
      for (const event of events) {
        const change = visibleChange(event, shown);
        if (change !== undefined) send(change.type, change.stored);
        cursor = event.revision;
        if (blocked) break;
      }
    }
  };
  // Changes of one tick are written together.
  const schedule = (): void => {
    if (scheduled || blocked || ended) return;
    scheduled = true;
    setImmediate(pump);
  };
  const watch: Watch = {
    type,
    bookmark: () => {
      if (!start.bookmarks || blocked || scheduled || ended) return;
      cursor = Math.max(cursor, api.store.revision);
      response.write(renderBookmark({ ...rendering, now: api.now() }, cursor, false));
    },
    end: () => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      clearTimeout(last);
      unsubscribe();
      running.delete(watch);
      response.end();
    },
  };
  const timer = setTimeout(() => watch.end(), Math.min(start.timeoutMs, 2 ** 31 - 1));
  // Shortly before its end a watch tells how far it came, so that the next one goes on from there.
  const last = setTimeout(
    () => watch.bookmark(),
    Math.min(Math.max(start.timeoutMs - LAST_BOOKMARK_MS, 0), 2 ** 31 - 1),
  );
  const unsubscribe = api.store.subscribe(bucket, schedule);
  running.add(watch);
  response.on('drain', () => {
    blocked = false;
    schedule();
  });
  response.on('close', watch.end);
  for (const stored of start.initial) send('ADDED', stored);
  if (start.initialBookmark) response.write(renderBookmark(rendering, start.revision, true));
  // Nothing to show yet: the client still needs the headers to know that the watch stands.
  if (start.initial.length === 0 && !start.initialBookmark) response.flushHeaders();
  schedule();
};

const shows = (type: ServedType, { namespace, matches }: Selection) => {
  const prefix = namespace === '' || !type.namespaced ? '' : `${namespace}/`;
  return (item: StoredObject): boolean => item.key.startsWith(prefix) && matches(served(type, item));
};

/** What a change means to somebody who sees only a selection: entering it is ADDED, leaving it is DELETED. */
const visibleChange = (
  { type, current, previous }: StoreEvent,
  shown: (item: StoredObject) => boolean,
): { type: string; stored: StoredObject } | undefined => {
  const before = previous !== undefined && shown(previous);
  if (type === 'DELETED') return before ? { type, stored: current } : undefined;
  const after = shown(current);
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', stored: current };
  if (!before) return undefined;
  // The last state that was in the selection, at the revision of the change that took it out.
  const object = {
    ...previous.object,
    metadata: { ...previous.object.metadata, resourceVersion: `${current.revision}` },
  };
  return { type: 'DELETED', stored: { ...previous, object, json: JSON.stringify(object) } };
};
