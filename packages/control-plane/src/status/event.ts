import { createHash } from 'node:crypto';
import type { KubeObject } from '@osm/kube';

/** The object that an Event is about. */
export type EventSubject = Pick<KubeObject, 'apiVersion' | 'kind'> & {
  readonly metadata: Pick<KubeObject['metadata'], 'name' | 'namespace' | 'uid' | 'resourceVersion'>;
};

/** A `v1 Event` as it is created. */
export interface EventBody {
  readonly apiVersion: 'v1';
  readonly kind: 'Event';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly involvedObject: Readonly<Record<string, string | undefined>>;
  readonly type: 'Warning' | 'Normal';
  readonly reason: string;
  readonly message: string;
  readonly source: { readonly component: string };
  readonly reportingComponent: string;
  /** RFC 3339. */
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly count: number;
}

const COMPONENT = 'osm-controller';
/** Kubernetes refuses longer ones (core/v1 Event validation). */
const MAX_MESSAGE = 1024;
/** A DNS subdomain (253 characters) with room for the hash. */
const MAX_PREFIX = 230;

/**
 * An Event with a name that follows from `identity`: the same Event written by several replicas, or again after a
 * restart, is one object. Events of objects outside namespaces are in `default`, where kubectl looks for them.
 */
export function eventOf(
  subject: EventSubject,
  type: EventBody['type'],
  reason: string,
  message: string,
  identity: string,
  now: Date,
): EventBody {
  const { name, namespace, uid, resourceVersion } = subject.metadata;
  const hash = createHash('sha256')
    .update(JSON.stringify([subject.kind, uid, reason, identity]))
    .digest('hex');
  const prefix = name.slice(0, MAX_PREFIX).replace(/[^a-z0-9]+$/, '');
  const at = now.toISOString();
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${prefix}.${hash.slice(0, 16)}`, namespace: namespace ?? 'default' },
    involvedObject: { apiVersion: subject.apiVersion, kind: subject.kind, name, namespace, uid, resourceVersion },
    type,
    reason,
    message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 1)}…` : message,
    source: { component: COMPONENT },
    reportingComponent: COMPONENT,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
}
