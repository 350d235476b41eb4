import type { Snapshot, Workload } from './snapshot.ts';

/**
 * Whether workloads take plaintext beside mTLS, while their clients get sidecars. `ports` are those of the application;
 * without it all that its services name.
 */
export interface MtlsSetting {
  readonly mode?: 'strict' | 'permissive';
  /** Sorted. */
  readonly ports?: readonly number[];
}

/** Annotations of a Pod or a Namespace; those of the pod come first. */
export const MTLS_ANNOTATION = Object.freeze({
  mode: 'openservicemesh.io/mtls-mode',
  ports: 'openservicemesh.io/mtls-permissive-ports',
} as const);

/** A setting as read; undefined when nothing usable is said. */
export interface ReadMtls {
  readonly setting?: MtlsSetting;
  readonly faults: readonly { readonly annotation: string; readonly message: string }[];
}

/** Ports of a comma list, sorted; undefined when one of them is none. */
function portsOf(text: string): readonly number[] | undefined {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  const ports = words.map((word) => (/^\d{1,5}$/.test(word) ? Number(word) : 0));
  if (ports.some((port) => port < 1 || port > 65535)) return undefined;
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** Reads the annotations. A value that is wrong makes the object strict, as nobody should be let in by mistake. */
export function readMtls(annotations: Readonly<Record<string, string>> | undefined): ReadMtls {
  const text = annotations?.[MTLS_ANNOTATION.mode];
  const list = annotations?.[MTLS_ANNOTATION.ports];
  if (text === undefined && list === undefined) return { faults: [] };
  const faults: { annotation: string; message: string }[] = [];
  const mode = text?.trim().toLowerCase();
  if (mode !== undefined && mode !== 'strict' && mode !== 'permissive') {
    const message = `${JSON.stringify(text)} is not strict or permissive; strict holds`;
    faults.push({ annotation: MTLS_ANNOTATION.mode, message });
  }
  const ports = list === undefined ? undefined : portsOf(list);
  if (list !== undefined && ports === undefined) {
    const message = `${JSON.stringify(list)} is not a list of ports (1-65535); strict holds`;
    faults.push({ annotation: MTLS_ANNOTATION.ports, message });
  }
  if (faults.length > 0 || mode === 'strict') return { setting: { mode: 'strict' }, faults };
  return { setting: { ...(mode === 'permissive' && { mode }), ...(ports && { ports }) }, faults };
}

/** Ports on which a workload takes plaintext; `all` are those that its services name. */
export type PlaintextPorts = 'all' | readonly number[];

/** What decides on plaintext for a workload: its own annotations, or those of its namespace. */
export interface Plaintext {
  readonly ports: PlaintextPorts;
  readonly from: 'Pod' | 'Namespace';
  /** The annotation that opens the ports. */
  readonly annotation: string;
}

function plaintextOf(setting: MtlsSetting | undefined, from: Plaintext['from'], list: readonly number[] | undefined) {
  if (setting === undefined || setting.mode === 'strict') return undefined;
  const annotation = setting.mode === undefined ? MTLS_ANNOTATION.ports : MTLS_ANNOTATION.mode;
  return { ports: setting.ports ?? list ?? 'all', from, annotation } satisfies Plaintext;
}

/**
 * Where a workload takes plaintext; undefined is nowhere, which is the default. A list of ports says `permissive` for
 * them by itself, and narrows that mode where both are given; the list of the namespace narrows the mode of its pods too.
 */
export function plaintextFor(workload: Workload, traffic: Snapshot['traffic']): Plaintext | undefined {
  const { mtls, namespace } = workload;
  const ofNamespace = traffic.get(namespace)?.mtls;
  if (mtls !== undefined) return plaintextOf(mtls, 'Pod', ofNamespace?.ports);
  return plaintextOf(ofNamespace, 'Namespace', undefined);
}

/** Whether plaintext is taken on a port of the application. */
export const takesPlaintext = (ports: PlaintextPorts | undefined, port: number): boolean =>
  ports !== undefined && (ports === 'all' || ports.includes(port));
