import { identityKey } from '../model/names.ts';
import type { Access, HttpRule, Identity, TcpRule, Upstream } from '../plan/types.ts';
import type { Step } from './call.ts';
import { matches, type Request } from './match.ts';
import { requestSeen, requestSeenStrictly, tellPathsApart } from './request.ts';

/** What the proxy of a server says to a call. */
export interface Authorization {
  readonly allowed: boolean;
  readonly step: Step;
}

const names = ({ sources }: HttpRule | TcpRule, source: Identity): boolean => {
  for (const { namespace, serviceAccount } of sources) {
    if (serviceAccount === source.serviceAccount && namespace === source.namespace) return true;
  }
  return false;
};

/** The first rule that lets the call in; rules are a union, so that the first is as good as any. */
function grant(
  access: Access & { mode: 'rules' },
  source: Identity,
  request: Request | undefined,
): HttpRule | TcpRule | undefined {
  if (request === undefined) return access.tcp.find((rule) => names(rule, source));
  const seen = tellPathsApart(access.http) ? requestSeenStrictly(request) : requestSeen(request);
  return seen && access.http.find((rule) => names(rule, source) && matches(rule.match, seen));
}

/** Asks the rules of one server. `access` is the part of them that applies to the port. */
export function authorize(
  access: Access,
  source: Identity,
  server: Identity,
  upstream: Upstream,
  request: Request | undefined,
): Authorization {
  const rule = access.mode === 'any' ? undefined : grant(access, source, request);
  if (access.mode === 'any' || rule !== undefined) {
    const origin = rule?.origins[0];
    const text = `${identityKey(server)} lets ${identityKey(source)} in`;
    return { allowed: true, step: { stage: 'authorization', text, ...(origin && { origin }) } };
  }
  const what = request === undefined ? `connect to port ${upstream.targetPort}` : `${request.method} ${request.path}`;
  const text = `no rule of ${identityKey(server)} lets ${identityKey(source)} ${what}`;
  return { allowed: false, step: { stage: 'authorization', text } };
}
