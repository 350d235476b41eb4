import type { MeshObject, MeshObjects, ObjectsByKey, PolicyFault } from '@osm/core';
import type { KubeObject, ResourceType } from '@osm/kube';
import type { Logger } from '../admin/log.ts';
import type { Metrics } from '../admin/metrics.ts';
import { MESH_TYPES } from '../ingest/types.ts';
import { LABEL } from '../surface.ts';
import { type EventBody, eventOf } from './event.ts';
import { faultCode } from './fault-code.ts';
import type { StatusWriter } from './writer.ts';

/** Tells users what is wrong with their policies: by Events and statuses on the objects, in the log and as a metric. */
export interface FaultReporter {
  /** Takes a state of the mesh. Costs nothing while neither the faults nor the objects with a status changed. */
  report(objects: MeshObjects, faults: readonly PolicyFault[]): void;
  close(): void;
}

/** What the reporter writes with. */
export interface FaultReporterOptions {
  readonly writer: StatusWriter;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'errors' | 'policyFaults'>;
  /** For tests. */
  readonly now?: () => Date;
}

const INVALID = 'InvalidPolicy';
const VALID = 'ValidPolicy';
/** Text of Open Service Mesh 1.2. */
const COMMITTED = Object.freeze({ currentStatus: 'committed', reason: 'successfully committed by the system' });
/** Events of one object at a time; more are said in the log. */
const MAX_EVENTS = 8;
/** Kubernetes forgets Events after an hour; those of faults that are still there are written again before. */
const REPEAT_MS = 30 * 60_000;
const MAX_REASON = 1024;

const STATUS_KINDS = [
  ['IngressBackend', 'ingressBackends'],
  ['UpstreamTrafficSetting', 'upstreamTrafficSettings'],
] as const;

type MapName = {
  [Name in keyof MeshObjects]: MeshObjects[Name] extends ObjectsByKey ? Name : never;
}[keyof MeshObjects];
const MAPS: Readonly<Record<string, MapName>> = {
  Namespace: 'namespaces',
  Pod: 'pods',
  Service: 'services',
  TrafficTarget: 'trafficTargets',
  HTTPRouteGroup: 'httpRouteGroups',
  TCPRoute: 'tcpRoutes',
  TrafficSplit: 'trafficSplits',
  Egress: 'egresses',
  IngressBackend: 'ingressBackends',
  Retry: 'retries',
  UpstreamTrafficSetting: 'upstreamTrafficSettings',
};

/** An object with faults, and what was said of them: Events by the text of the fault. */
interface Standing {
  readonly ref: Ref;
  readonly object: MeshObject;
  readonly events: ReadonlyMap<string, EventBody>;
}

type Ref = Pick<PolicyFault['object'], 'kind' | 'namespace' | 'name'>;
const keyOf = ({ kind, namespace, name }: Ref): string => `${kind} ${namespace}/${name}`;
/** Text of a status. That of missing endpoints is the one of Open Service Mesh 1.2, which tools wait for. */
const reasonOf = (fault: PolicyFault): string =>
  fault.message.startsWith('endpoints not found') ? fault.message : textOf(fault);
const textOf = ({ field, message, kept }: PolicyFault): string =>
  `${field}: ${message}${kept ? ' (the last good version stays in force)' : ''}`;

function find(objects: MeshObjects, { kind, namespace, name }: Ref): MeshObject | undefined {
  if (kind === 'MeshConfig') return objects.meshConfig;
  const map = MAPS[kind];
  return map && objects[map].get(namespace === '' ? name : `${namespace}/${name}`);
}

function groupByObject(faults: readonly PolicyFault[]): ReadonlyMap<string, readonly PolicyFault[]> {
  const groups = new Map<string, PolicyFault[]>();
  for (const fault of faults) {
    const key = keyOf(fault.object);
    const known = groups.get(key);
    if (known) known.push(fault);
    else groups.set(key, [fault]);
  }
  return groups;
}

/** Creates a reporter that knows of no faults yet. */
export function createFaultReporter(options: FaultReporterOptions): FaultReporter {
  const { writer, log, metrics } = options;
  const now = options.now ?? (() => new Date());
  let standing: ReadonlyMap<string, Standing> = new Map();
  let former: readonly unknown[] = [];

  const repeat = setInterval(() => {
    const lastTimestamp = now().toISOString();
    for (const { events } of standing.values())
      for (const event of events.values()) writer.event({ ...event, lastTimestamp });
  }, REPEAT_MS);
  repeat.unref();

  function appeared(fault: PolicyFault, object: MeshObject): void {
    const { kind, namespace, name, generation } = fault.object;
    const code = faultCode(fault);
    if (code !== undefined) metrics.errors.inc({ err_code: code });
    const about = { kind, namespace, name, generation, uid: object.metadata.uid, field: fault.field };
    log.warn({ ...about, ...(code !== undefined && { error_code: code }) }, `a policy is wrong: ${fault.message}`);
  }

  function stand(ref: Ref, object: MeshObject, faults: readonly PolicyFault[], before: Standing | undefined): Standing {
    const known = before?.object.metadata.uid === object.metadata.uid ? before?.events : undefined;
    const events = new Map<string, EventBody>();
    for (const fault of faults) {
      const text = textOf(fault);
      const event = known?.get(text) ?? eventOf(object, 'Warning', INVALID, text, text, now());
      if (events.has(text)) continue;
      if (known?.has(text) !== true) {
        appeared(fault, object);
        if (events.size < MAX_EVENTS) writer.event(event);
      }
      events.set(text, event);
    }
    for (const [text, event] of known ?? []) if (!events.has(text)) writer.drop(event);
    return { ref, object, events };
  }

  function cleared({ object, events }: Standing, present: MeshObject | undefined): void {
    const { kind, metadata } = object;
    for (const event of events.values()) writer.drop(event);
    log.info({ kind, namespace: metadata.namespace, name: metadata.name }, 'the policy is in order, or gone');
    if (present === undefined || present.metadata.uid !== metadata.uid) return;
    const message = `no longer: ${[...events.keys()].join('; ')}`;
    writer.event(eventOf(present, 'Normal', VALID, message, message, now()));
  }

  function writeStatuses(objects: MeshObjects, groups: ReadonlyMap<string, readonly PolicyFault[]>): void {
    for (const [kind, map] of STATUS_KINDS) {
      const type: ResourceType = MESH_TYPES[map];
      for (const [key, object] of objects[map]) {
        const namespace = objects.namespaces.get(object.metadata.namespace ?? '');
        if (namespace?.metadata.labels?.[LABEL.monitoredBy] !== objects.meshName) continue;
        const faults = groups.get(`${kind} ${key}`);
        const reason = faults?.map(reasonOf).join('; ').slice(0, MAX_REASON);
        writer.status(
          type,
          object as KubeObject,
          reason === undefined ? COMMITTED : { currentStatus: 'error', reason },
        );
      }
    }
  }

  return {
    report(objects, faults) {
      const inputs = [faults, objects.namespaces, ...STATUS_KINDS.map(([, map]) => objects[map])];
      if (inputs.every((input, at) => input === former[at])) return;
      former = inputs;
      const groups = groupByObject(faults);
      const next = new Map<string, Standing>();
      const counts = new Map<string, number>();
      for (const [key, own] of groups) {
        const ref = own[0]?.object;
        const object = ref && find(objects, ref);
        if (ref === undefined || object === undefined) continue;
        next.set(key, stand(ref, object, own, standing.get(key)));
        counts.set(object.kind, (counts.get(object.kind) ?? 0) + own.length);
      }
      for (const [key, gone] of standing) {
        if (!next.has(key)) cleared(gone, find(objects, gone.ref));
      }
      standing = next;
      metrics.policyFaults.reset();
      for (const [kind, count] of counts) metrics.policyFaults.set({ kind }, count);
      writeStatuses(objects, groups);
    },
    close: () => clearInterval(repeat),
  };
}
