import type { TypeUrl } from '@osm/envoy';
import type { KubeObject } from '@osm/kube';
import type { Logger } from '../admin/log.ts';
import type { Metrics } from '../admin/metrics.ts';
import { type EventBody, eventOf } from '../status/event.ts';
import type { StatusWriter } from '../status/writer.ts';

/** A proxy that refuses something, and its pod when it is known. */
export interface RefusingProxy {
  readonly connectionId: string;
  readonly commonName: string;
  readonly pod: KubeObject | undefined;
}

/** Tells what proxies refuse: by Events on their pods, in the log and as a metric. */
export interface Refusals {
  /** Versions by name; `error` is Envoy's text. */
  refused(proxy: RefusingProxy, typeUrl: TypeUrl, versions: ReadonlyMap<string, string>, error: string): void;
  /** The proxy has what it should have of these names. */
  recovered(proxy: RefusingProxy, typeUrl: TypeUrl, names: readonly string[]): void;
  /** The proxy is gone, and what it refused with it. */
  forget(connectionId: string): void;
}

/** What refusals are told with. */
export interface RefusalsOptions {
  readonly writer: Pick<StatusWriter, 'event' | 'drop'>;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'refusedResources'>;
  /** For tests. */
  readonly now?: () => Date;
}

const REFUSED = 'ConfigurationRefused';
const ACCEPTED = 'ConfigurationAccepted';
/** Events of one pod at a time; more are said in the log. */
const MAX_EVENTS = 8;

/** `Listener`, as people call it. */
const shortType = (typeUrl: TypeUrl): string => typeUrl.slice(typeUrl.lastIndexOf('.') + 1);

/** Creates refusals; there are none yet. */
export function createRefusals({ writer, log, metrics, now = () => new Date() }: RefusalsOptions): Refusals {
  /** By connection, then by type and name; the Event is absent where none was written. */
  const standing = new Map<string, Map<string, EventBody | undefined>>();
  const keyOf = (typeUrl: TypeUrl, name: string): string => `${shortType(typeUrl)} ${name}`;

  function forgetOne(connectionId: string, key: string): boolean {
    const own = standing.get(connectionId);
    if (own === undefined || !own.has(key)) return false;
    const event = own.get(key);
    // One that could not be written yet would come after the news that all is well.
    if (event !== undefined) writer.drop(event);
    own.delete(key);
    if (own.size === 0) standing.delete(connectionId);
    metrics.refusedResources.dec({ type: key.slice(0, key.indexOf(' ')) });
    return true;
  }

  return {
    refused({ connectionId, commonName, pod }, typeUrl, versions, error) {
      for (const [name, version] of versions) {
        const key = keyOf(typeUrl, name);
        forgetOne(connectionId, key);
        const own = standing.get(connectionId) ?? new Map<string, EventBody | undefined>();
        standing.set(connectionId, own);
        const text = `Envoy refused ${key}, and keeps the former one: ${error}`;
        const event =
          pod === undefined || own.size >= MAX_EVENTS
            ? undefined
            : eventOf(pod, 'Warning', REFUSED, text, `${typeUrl} ${name} ${version}`, now());
        own.set(key, event);
        if (event !== undefined) writer.event(event);
        metrics.refusedResources.inc({ type: shortType(typeUrl) });
        const { namespace, name: podName } = pod?.metadata ?? {};
        log.error(
          { common_name: commonName, namespace, pod: podName, type: typeUrl, resource: name, version, error },
          'a proxy refused its configuration; the former one stays in force there',
        );
      }
    },
    recovered({ connectionId, commonName, pod }, typeUrl, names) {
      for (const name of names) {
        const key = keyOf(typeUrl, name);
        const told = standing.get(connectionId)?.get(key) !== undefined;
        if (!forgetOne(connectionId, key)) continue;
        log.info({ common_name: commonName, type: typeUrl, resource: name }, 'the proxy has what it should have again');
        if (pod === undefined || !told) continue;
        const text = `Envoy has what it should have of ${key} again`;
        writer.event(eventOf(pod, 'Normal', ACCEPTED, text, `${typeUrl} ${name}`, now()));
      }
    },
    forget(connectionId) {
      for (const key of [...(standing.get(connectionId)?.keys() ?? [])]) forgetOne(connectionId, key);
    },
  };
}
