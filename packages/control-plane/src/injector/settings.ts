import type { KubeObject } from '@osm/kube';
import { isCidr } from './annotations.ts';
import { InjectionError } from './pod.ts';

/** The part of MeshConfig that shapes new pods (`config.openservicemesh.io/v1alpha2`). */
export interface SidecarSettings {
  readonly enablePrivilegedInitContainer: boolean;
  readonly logLevel: string;
  readonly envoyImage: string;
  readonly initContainerImage: string;
  readonly resources: object;
  readonly tlsMinProtocolVersion: string;
  readonly tlsMaxProtocolVersion: string;
  readonly cipherSuites: readonly string[];
  readonly ecdhCurves: readonly string[];
  readonly localProxyMode: 'Localhost' | 'PodIP';
  readonly outboundIPRangeExclusionList: readonly string[];
  readonly outboundIPRangeInclusionList: readonly string[];
  readonly outboundPortExclusionList: readonly number[];
  readonly inboundPortExclusionList: readonly number[];
  readonly networkInterfaceExclusionList: readonly string[];
  /** Log level of the control plane, which the healthcheck container follows. */
  readonly osmLogLevel: string;
}

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const text = (value: unknown, otherwise: string): string =>
  typeof value === 'string' && value !== '' ? value : otherwise;
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const strings = (value: unknown): readonly string[] =>
  list(value).filter((entry): entry is string => typeof entry === 'string');

const LOG_LEVELS = new Set(['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off']);
/** Interface names as Linux takes them (at most 15 characters), plus iptables' `+` wildcard. */
const INTERFACE = /^[A-Za-z0-9_.:@-]{1,15}\+?$/;

function checked<T>(values: readonly T[], good: (value: T) => boolean, field: string, want: string): readonly T[] {
  const bad = values.find((value) => !good(value));
  if (bad === undefined) return values;
  throw new InjectionError(
    'E6110',
    `MeshConfig spec.traffic.${field} holds ${JSON.stringify(bad)}, which is not ${want}; correct it and create the pod again`,
  );
}

/**
 * Reads what injection needs from MeshConfig; an absent object or field gives the default of the API. The lists end
 * in a shell document, so each entry is checked again here whatever admitted it: throws InjectionError naming the field.
 */
export function readSidecarSettings(meshConfig: KubeObject | undefined): SidecarSettings {
  const spec = fields(meshConfig?.spec);
  const sidecar = fields(spec.sidecar);
  const traffic = fields(spec.traffic);
  const observability = fields(spec.observability);
  const isPort = (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535;
  const ports = (field: string): readonly number[] =>
    checked(list(traffic[field]), isPort, field, 'a port (1-65535)') as readonly number[];
  const ranges = (field: string): readonly string[] =>
    checked(strings(traffic[field]), isCidr, field, 'an address range such as 10.0.0.0/8');
  const logLevel = text(sidecar.logLevel, 'error');
  return {
    enablePrivilegedInitContainer: sidecar.enablePrivilegedInitContainer === true,
    logLevel: LOG_LEVELS.has(logLevel) ? logLevel : 'error',
    envoyImage: text(sidecar.envoyImage, ''),
    initContainerImage: text(sidecar.initContainerImage, ''),
    resources: fields(sidecar.resources),
    tlsMinProtocolVersion: text(sidecar.tlsMinProtocolVersion, 'TLSv1_2'),
    tlsMaxProtocolVersion: text(sidecar.tlsMaxProtocolVersion, 'TLSv1_3'),
    cipherSuites: strings(sidecar.cipherSuites),
    ecdhCurves: strings(sidecar.ecdhCurves),
    localProxyMode: sidecar.localProxyMode === 'PodIP' ? 'PodIP' : 'Localhost',
    outboundIPRangeExclusionList: ranges('outboundIPRangeExclusionList'),
    outboundIPRangeInclusionList: ranges('outboundIPRangeInclusionList'),
    outboundPortExclusionList: ports('outboundPortExclusionList'),
    inboundPortExclusionList: ports('inboundPortExclusionList'),
    networkInterfaceExclusionList: checked(
      strings(traffic.networkInterfaceExclusionList),
      (name) => INTERFACE.test(name),
      'networkInterfaceExclusionList',
      'a network interface name',
    ),
    osmLogLevel: text(observability.osmLogLevel, 'info'),
  };
}
