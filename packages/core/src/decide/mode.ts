import { identityKey } from '../model/names.ts';
import { annotationField, MODE_ANNOTATION, modeOf } from '../model/namespace-traffic.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { auditOf, type PlanCache } from '../plan/cache.ts';
import type { Identity, Origin, Upstream } from '../plan/types.ts';
import { accessTo } from '../policies/access/access.ts';
import { authorize } from './authorize.ts';
import type { Step } from './call.ts';
import type { Request } from './match.ts';

function originOf({ traffic, configObject }: Snapshot, namespace: string): Origin | undefined {
  const own = traffic.get(namespace);
  if (own?.mode !== undefined) return { ...own.object, field: annotationField(MODE_ANNOTATION) };
  return configObject && { ...configObject, field: 'spec.traffic.enablePermissiveTrafficPolicyMode' };
}

/** Why a namespace lets every workload of the mesh in; undefined where it does not. */
export function openStep(snapshot: Snapshot, namespace: string): Step | undefined {
  if (modeOf(snapshot, namespace) === 'rules') return undefined;
  const origin = originOf(snapshot, namespace);
  const whom = snapshot.traffic.get(namespace)?.mode === undefined ? 'every other' : `those of namespace ${namespace}`;
  const text = `permissive mode: every workload of the mesh may call ${whom}`;
  return { stage: 'authorization', text, ...(origin && { origin }) };
}

/** What rules that are audited would say to a call; undefined where nothing is. */
export function auditStep(
  snapshot: Snapshot,
  cache: PlanCache,
  source: Identity,
  server: Identity,
  upstream: Upstream,
  request: Request | undefined,
): Step | undefined {
  const rules = auditOf(snapshot, server, cache);
  if (rules === undefined) return undefined;
  const access = accessTo(rules, upstream.protocol, upstream.targetPort);
  const { allowed, step } = authorize(access, source, server, upstream, request);
  const verdict = allowed ? 'allowed' : 'denied';
  const origin = step.origin ?? originOf(snapshot, server.namespace);
  const text = `audit of ${identityKey(server)}, not in force: ${verdict}, as ${step.text}`;
  return { stage: 'audit', text, ...(origin && { origin }) };
}
