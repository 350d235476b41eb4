import { type EncodedResource, TYPE_URL, type TypeUrl } from '@osm/envoy';
import { createStreamState, type Push, type StreamState } from './stream-state.ts';
import { resource, resourceSet } from './testing.ts';

/** Test bench of the state of streams: responses in one line, answers at hand. */

const { cluster, endpoint, listener, route, secret } = TYPE_URL;

const short = (typeUrl: string): string => typeUrl.slice(typeUrl.lastIndexOf('.') + 1);

/** A response in one line: type, resources with versions, removals with a minus. */
export const line = (push: Push | undefined): string =>
  push === undefined
    ? 'nothing'
    : [
        short(push.typeUrl),
        ...push.resources.map(({ name, version }) => `${name}@${version}`).sort(),
        ...push.removed.map((name) => `-${name}`).sort(),
      ].join(' ');

/** A stream with its answers at hand. */
export function open(
  options: { readonly types?: readonly TypeUrl[]; readonly wanted?: readonly EncodedResource[] } = {},
) {
  const state = createStreamState('delta');
  const inFlight = new Map<string, string>();
  const hear = (typeUrl: string, request: Partial<Parameters<StreamState['hear']>[0]> = {}) =>
    state.hear({
      typeUrl,
      change: { subscribe: [], unsubscribe: [] },
      initialVersions: new Map(),
      nonce: '',
      error: undefined,
      ...request,
    });
  const next = (): string => {
    const push = state.next();
    if (push !== undefined) inFlight.set(push.typeUrl, push.nonce);
    return line(push);
  };
  const answer = (typeUrl: string, error?: string) => hear(typeUrl, { nonce: inFlight.get(typeUrl) ?? '?', error });
  const subscribe = (typeUrl: string, ...names: string[]) =>
    hear(typeUrl, { change: { subscribe: names, unsubscribe: [] } });
  const unsubscribe = (typeUrl: string, ...names: string[]) =>
    hear(typeUrl, { change: { subscribe: [], unsubscribe: names } });
  const want = (...wanted: readonly EncodedResource[]) => state.want(resourceSet(...wanted));
  /** Sends and acknowledges until nothing is left; what was sent. */
  const settle = (): string[] => {
    const sent: string[] = [];
    for (let push = state.next(); push !== undefined; push = state.next()) {
      sent.push(line(push));
      hear(push.typeUrl, { nonce: push.nonce });
    }
    return sent;
  };
  for (const typeUrl of options.types ?? []) hear(typeUrl);
  if (options.wanted !== undefined) want(...options.wanted);
  return { state, hear, next, answer, subscribe, unsubscribe, want, settle };
}

/** A cluster of a name and a version. */
export const c = (name: string, version = '1') => resource(cluster, name, version);
/** Endpoints of a name and a version. */
export const e = (name: string, version = '1') => resource(endpoint, name, version);
/** A listener of a name and a version. */
export const l = (name: string, version = '1', text = '') => resource(listener, name, version, text);
/** Routes of a name and a version. */
export const r = (name: string, version = '1', text = '') => resource(route, name, version, text);
/** A secret of a name and a version. */
export const s = (name: string, version = '1') => resource(secret, name, version);

/** A state-of-the-world stream: what is sent for requests with all names. */
export function openWorld(...wanted: readonly EncodedResource[]) {
  const state = createStreamState('world');
  const nonces = new Map<string, string>();
  const ask = (typeUrl: string, names: readonly string[], options: { nonce?: string; error?: string } = {}) =>
    state.hear({
      typeUrl,
      change: names,
      initialVersions: new Map(),
      nonce: options.nonce ?? nonces.get(typeUrl) ?? '',
      error: options.error,
    });
  const next = (): string => {
    const push = state.next();
    if (push !== undefined) nonces.set(push.typeUrl, push.nonce);
    return line(push);
  };
  const want = (...all: readonly EncodedResource[]) => state.want(resourceSet(...all));
  want(...wanted);
  return { state, ask, next, want };
}

/** Refuses every response that holds one of these; what was sent, and what was held for bad. */
