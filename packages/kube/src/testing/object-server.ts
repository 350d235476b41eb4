import type { ServerResponse } from 'node:http';
import { createKubeClient } from '../client.ts';
import type { ClientLimits } from '../config.ts';
import type { KubeClient, KubeObject } from '../types.ts';
import { HttpsServer, json, type Seen, status } from './https-server.ts';

interface Event {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

/** One collection of objects served with the rules of the Kubernetes API for lists, watches and writes. */
export class ObjectServer {
  readonly http: HttpsServer;
  readonly objects = new Map<string, KubeObject>();
  /** Answers a request instead of the rules when it returns true. */
  intercept: (seen: Seen, response: ServerResponse) => boolean = () => false;
  /** A silent server keeps watches open and says nothing. */
  silent = false;
  readonly #watches = new Set<ServerResponse>();
  #version = 100;
  #uid = 0;
  #events: Event[] = [];
  #forgotten = 0;

  private constructor(http: HttpsServer) {
    this.http = http;
    http.handler = (seen, response) => {
      if (!this.intercept(seen, response)) this.#serve(seen, response);
    };
  }

  static async start(): Promise<ObjectServer> {
    return new ObjectServer(await HttpsServer.start(() => {}));
  }

  client(limits: Partial<ClientLimits> = {}): KubeClient {
    return createKubeClient({ ...this.http.config, limits });
  }

  get watches(): number {
    return this.#watches.size;
  }

  get version(): number {
    return this.#version;
  }

  /** Queries of the lists so far. */
  get lists(): readonly URLSearchParams[] {
    return this.#queries((query) => !query.has('watch'));
  }

  /** Queries of the watches so far. */
  get watched(): readonly URLSearchParams[] {
    return this.#queries((query) => query.has('watch'));
  }

  put(name: string, more: object = {}): KubeObject {
    const old = this.objects.get(name);
    this.#version += 1;
    const metadata = {
      name,
      namespace: 'default',
      uid: old?.metadata.uid ?? `uid-${++this.#uid}`,
      resourceVersion: String(this.#version),
    };
    const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', ...more, metadata };
    this.objects.set(name, object);
    this.#emit({ version: this.#version, type: old ? 'MODIFIED' : 'ADDED', object });
    return object;
  }

  remove(name: string): void {
    const old = this.objects.get(name);
    if (!old) return;
    this.#version += 1;
    this.objects.delete(name);
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: String(this.#version) } };
    this.#emit({ version: this.#version, type: 'DELETED', object });
  }

  bookmark(): void {
    this.#version += 1;
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { resourceVersion: String(this.#version) } };
    this.write(JSON.stringify({ type: 'BOOKMARK', object }));
  }

  /** Writes a line to every watch. */
  write(line: string): void {
    for (const watch of this.#watches) watch.write(`${line}\n`);
  }

  /** Ends every watch properly. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end();
    this.#watches.clear();
  }

  /** Forgets the history up to now, as compaction does. */
  compact(): void {
    this.#forgotten = this.#version;
    this.#events = [];
  }

  #queries(wanted: (query: URLSearchParams) => boolean): readonly URLSearchParams[] {
    return this.http.seen
      .filter(({ method, path }) => method === 'GET' && path.split('?')[0]?.endsWith('/configmaps'))
      .map(({ path }) => new URL(path, this.http.url).searchParams)
      .filter(wanted);
  }

  #emit(event: Event): void {
    this.#events.push(event);
    if (!this.silent) this.write(JSON.stringify({ type: event.type, object: event.object }));
  }

  #serve(seen: Seen, response: ServerResponse): unknown {
    const url = new URL(seen.path, this.http.url);
    const last = url.pathname.split('/').at(-1) ?? '';
    const collection = /^(configmaps|leases)$/.test(last);
    if (seen.method === 'GET' && collection) {
      if (url.searchParams.has('watch')) this.#watch(url.searchParams, response);
      else this.#list(url.searchParams, response);
      return undefined;
    }
    if (seen.method === 'POST' && collection) {
      const object = JSON.parse(seen.body) as KubeObject;
      const { name } = object.metadata;
      if (this.objects.has(name)) json(response, 409, status(409, 'AlreadyExists'));
      else json(response, 201, this.put(name, object));
      return undefined;
    }
    if (seen.body.includes('"holderIdentity":""')) return json(response, 422, status(422, 'Invalid'));
    const present = this.objects.get(last);
    if (!present) return json(response, 404, status(404, 'NotFound'));
    if (seen.method === 'PUT') {
      const object = JSON.parse(seen.body) as KubeObject;
      if (object.metadata.resourceVersion !== present.metadata.resourceVersion) {
        return json(response, 409, status(409, 'Conflict'));
      }
      return json(response, 200, this.put(last, object));
    }
    return json(response, 200, present);
  }

  #list(query: URLSearchParams, response: ServerResponse): unknown {
    const [version, from = '0'] = (query.get('continue') ?? '').split('.');
    if (version !== '' && Number(version) < this.#forgotten) {
      return json(response, 410, status(410, 'Expired', 'The provided continue parameter is too old'));
    }
    const limit = Number(query.get('limit') ?? 0) || Number.POSITIVE_INFINITY;
    const start = Number(from);
    const all = [...this.objects.values()];
    // Items of a list carry no type (API conventions, "Lists").
    const items = all.slice(start, start + limit).map(({ apiVersion: _v, kind: _k, ...rest }) => rest);
    const resourceVersion = version || String(this.#version);
    const more = start + limit < all.length ? { continue: `${resourceVersion}.${start + limit}` } : {};
    return json(response, 200, {
      apiVersion: 'v1',
      kind: 'ConfigMapList',
      metadata: { resourceVersion, ...more },
      items,
    });
  }

  #watch(query: URLSearchParams, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from < this.#forgotten) {
      response.end(
        `${JSON.stringify({ type: 'ERROR', object: status(410, 'Expired', 'too old resource version') })}\n`,
      );
      return;
    }
    this.#watches.add(response);
    response.once('close', () => this.#watches.delete(response));
    if (this.silent) return;
    for (const event of this.#events) {
      if (event.version > from) response.write(`${JSON.stringify({ type: event.type, object: event.object })}\n`);
    }
  }
}
