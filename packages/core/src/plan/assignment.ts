import { byText, identityKey } from '../model/names.ts';
import type { MeshEndpoint } from '../model/snapshot.ts';
import type { Assignment } from './types.ts';

const memo = new WeakMap<readonly MeshEndpoint[], Map<string, Assignment>>();

/** Terminating endpoints are drained, unless there is nobody else: then they are the best there is. */
function build(upstream: string, endpoints: readonly MeshEndpoint[], zone: string | undefined): Assignment {
  const isNear = ({ zones }: MeshEndpoint): boolean => zone === undefined || (zones?.includes(zone) ?? false);
  // With nobody near, none is farther than the others.
  const anyNear = endpoints.some((endpoint) => endpoint.state === 'ready' && isNear(endpoint));
  const drain = endpoints.some(({ state }) => state === 'ready');
  return Object.freeze({
    upstream,
    endpoints: Object.freeze(
      endpoints.map((endpoint) => {
        const { address, port, state } = endpoint;
        return Object.freeze({
          address,
          port,
          health: drain && state === 'terminating' ? ('draining' as const) : ('healthy' as const),
          ...(anyNear && !isNear(endpoint) && { fallback: true }),
        });
      }),
    ),
  });
}

/**
 * The endpoints of an upstream that may answer: all, or those of the given identities (`<namespace>/<service account>`).
 * Called from a zone, those of others are a fallback. Proxies that may use the same ones share one object.
 */
export function assignmentOf(
  upstream: string,
  endpoints: readonly MeshEndpoint[],
  allowed: ReadonlySet<string> | undefined,
  zone?: string,
): Assignment {
  const isAllowed = ({ identity }: MeshEndpoint): boolean =>
    allowed === undefined || (identity !== undefined && allowed.has(identityKey(identity)));
  const used = endpoints.every(isAllowed) ? endpoints : endpoints.filter(isAllowed);
  const who = new Set(used.map(({ identity }) => (identity ? identityKey(identity) : '')));
  const key = `${used === endpoints ? '*' : [...who].sort(byText).join(' ')}|${zone ?? ''}`;
  const known = memo.get(endpoints) ?? new Map<string, Assignment>();
  memo.set(endpoints, known);
  const made = known.get(key) ?? build(upstream, used, zone);
  known.set(key, made);
  return made;
}
