import { DEFAULT_LIMITS, type KubeConfig } from './config.ts';
import { createCredentialSource } from './credentials.ts';
import { deleteBody, listQuery, resourcePath, writeQuery } from './path.ts';
import { invalidAnswer, statusError } from './status.ts';
import { type Answer, createTransport, describe, type Exchange } from './transport.ts';
import type { KubeClient, KubeList, KubeObject, ListOptions, PatchType, ResourceType } from './types.ts';
import { waitFor } from './wait.ts';
import { readWatch } from './watch.ts';

/** Content types of PATCH, by their short names. */
const PATCH_CONTENT: Readonly<Record<PatchType, string>> = Object.freeze({
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  // JSON is YAML, and what server-side apply takes by this name.
  apply: 'application/apply-patch+yaml',
});

/** The longest Retry-After that is waited for, seconds. */
const LONGEST_RETRY_S = 30;
/** Watches end by themselves after 5 to 10 minutes, so that they spread over the servers again (as client-go's do). */
const WATCH_SECONDS = 300;

/**
 * A client of one API server. Connects when first used; every certificate is verified. Throws RangeError for an address that
 * is not HTTPS.
 */
export function createKubeClient(config: KubeConfig): KubeClient {
  const limits = { ...DEFAULT_LIMITS, ...config.limits };
  const source = createCredentialSource(config);
  const transport = createTransport(config, source, limits);

  const once = async (exchange: Exchange): Promise<Answer> => {
    const answer = await transport.ask(exchange);
    // A credential may have been replaced since it was read.
    return answer.code === 401 && source.refused() ? transport.ask(exchange) : answer;
  };
  const ask = async (exchange: Exchange): Promise<Answer> => {
    let answer = await once(exchange);
    const retryAfter =
      exchange.method === 'GET' && answer.code === 429 ? retrySeconds(answer.headers['retry-after']) : undefined;
    if (retryAfter !== undefined) {
      await waitFor(retryAfter * 1000, exchange.signal);
      answer = await once(exchange);
    }
    if (answer.code < 200 || answer.code > 299) throw statusError(answer.code, answer.text, describe(exchange));
    return answer;
  };
  const askJson = async <T>(exchange: Exchange): Promise<T> => {
    const answer = await ask(exchange);
    try {
      return JSON.parse(answer.text) as T;
    } catch {
      throw invalidAnswer(answer.code, 'the answer is not JSON', describe(exchange));
    }
  };

  return {
    get(type, name, options = {}) {
      return attempt(() =>
        askJson({ method: 'GET', path: resourcePath(type, { ...options, name }), signal: options.signal }),
      );
    },
    list<T extends KubeObject>(type: ResourceType, options: ListOptions = {}) {
      return attempt(async () => {
        const path = withQuery(resourcePath(type, { namespace: options.namespace }), listQuery(options));
        const exchange: Exchange = { method: 'GET', path, signal: options.signal };
        return completeItems<T>(type, await askJson<KubeList<T>>(exchange), exchange);
      });
    },
    async *watch(type, options) {
      const { signal } = options;
      const query = listQuery(options);
      query.delete('limit');
      query.delete('continue');
      query.set('watch', 'true');
      query.set('allowWatchBookmarks', 'true');
      query.set('timeoutSeconds', String(Math.ceil(WATCH_SECONDS * (1 + Math.random()))));
      const path = withQuery(resourcePath(type, { namespace: options.namespace }), query);
      const exchange: Exchange = { method: 'GET', path, signal };
      const request = describe(exchange);
      try {
        const response = await transport.open(exchange);
        const code = response.statusCode ?? 0;
        if (code !== 200) {
          const text = await readShort(response);
          if (code === 401) source.refused();
          throw statusError(code, text, request);
        }
        yield* readWatch(response, {
          silenceMs: limits.watchSilenceMs,
          eventBytes: limits.eventBytes,
          request,
          address: transport.address,
        });
      } catch (error) {
        // Being told to end is not a fault.
        if (!signal?.aborted) throw error;
      }
    },
    create(type, object, options = {}) {
      return attempt(() => {
        // Only subresources (token, eviction, binding) are created under a name.
        const place = {
          namespace: options.namespace ?? namespaceOf(object),
          name: options.name,
          subresource: options.subresource,
        };
        const path = withQuery(resourcePath(type, place), writeQuery(options));
        return askJson({ method: 'POST', path, body: JSON.stringify(object), signal: options.signal });
      });
    },
    update(type, object, options = {}) {
      return attempt(() => {
        const { name } = object.metadata;
        const place = { namespace: options.namespace ?? namespaceOf(object), name, subresource: options.subresource };
        const path = withQuery(resourcePath(type, place), writeQuery(options));
        return askJson({ method: 'PUT', path, body: JSON.stringify(object), signal: options.signal });
      });
    },
    patch(type, name, kind, body, options = {}) {
      return attempt(() => {
        const place = { namespace: options.namespace, name, subresource: options.subresource };
        return askJson({
          method: 'PATCH',
          path: withQuery(resourcePath(type, place), writeQuery(options)),
          headers: { 'content-type': PATCH_CONTENT[kind] },
          body: JSON.stringify(body),
          signal: options.signal,
        });
      });
    },
    delete(type, name, options = {}) {
      return attempt(async () => {
        await ask(deletion(resourcePath(type, { namespace: options.namespace, name }), options));
      });
    },
    deleteCollection(type, options = {}) {
      return attempt(async () => {
        const path = withQuery(resourcePath(type, { namespace: options.namespace }), listQuery(options));
        await ask(deletion(path, options));
      });
    },
    raw(method, path, body) {
      return attempt(async () => {
        if (!/^\/[\x21-\x7e]*$/.test(path)) throw new RangeError(`${JSON.stringify(path)} is not an API path`);
        const verb = method.toUpperCase();
        const answer = await ask({ method: verb, path, headers: { accept: 'application/json, */*' }, ...bodyOf(body) });
        try {
          return JSON.parse(answer.text) as unknown;
        } catch {
          return answer.text;
        }
      });
    },
    close: () => transport.close(),
  };
}

/** What is wrong with the arguments rejects, as everything else does. */
async function attempt<T>(run: () => Promise<T>): Promise<T> {
  return run();
}

function bodyOf(body: unknown): { readonly body?: string } {
  return body === undefined ? {} : { body: JSON.stringify(body) };
}

function deletion(path: string, options: Parameters<typeof deleteBody>[0]): Exchange {
  return { method: 'DELETE', path, ...bodyOf(deleteBody(options)), signal: options.signal };
}

function withQuery(path: string, query: URLSearchParams): string {
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

function namespaceOf(object: object): string | undefined {
  return (object as Partial<KubeObject>).metadata?.namespace;
}

/** Items of a list come without the type they share; put back, an item is an object like any other. */
function completeItems<T extends KubeObject>(type: ResourceType, list: KubeList<T>, exchange: Exchange): KubeList<T> {
  if (list.items !== null && list.items !== undefined && !Array.isArray(list.items)) {
    throw invalidAnswer(200, 'the answer is not a list', describe(exchange));
  }
  if (typeof list.metadata !== 'object') throw invalidAnswer(200, 'the answer is not a list', describe(exchange));
  const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
  const items = (list.items ?? []).map((item) =>
    item.kind === undefined ? { ...item, apiVersion, kind: type.kind } : item,
  );
  return { ...list, items };
}

function retrySeconds(header: string | undefined): number | undefined {
  const seconds = header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
  return seconds === undefined || seconds > LONGEST_RETRY_S ? undefined : seconds;
}

/** The text of a refusal: as much as a Status may take. */
async function readShort(response: AsyncIterable<Buffer> & { destroy(): unknown }): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > 2 ** 20) break;
    }
  } catch {
    // What came before tells enough.
  }
  response.destroy();
  return Buffer.concat(chunks).toString('utf8');
}
