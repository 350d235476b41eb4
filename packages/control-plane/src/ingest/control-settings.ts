import type { KubeObject } from '@osm/kube';
import { durationSeconds } from '../commands/options.ts';

/** The part of MeshConfig that steers the controller itself, live. */
export interface ControlSettings {
  readonly logLevel: string | undefined;
  readonly debugServer: boolean;
  /** 0 is unlimited. */
  readonly maxConnections: number;
  readonly certificateSeconds: number;
  readonly featureFlags: Readonly<Record<string, boolean>>;
}

const DAY_SECONDS = 24 * 3600;
/** Envoy and the control plane need a moment to renew; a shorter life would only produce outages. */
const MIN_CERTIFICATE_SECONDS = 60;

type Fields = Readonly<Record<string, unknown>>;
const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

/** Reads the controller's settings; what is missing or unusable takes the default of the API. */
export function readControlSettings(meshConfig: KubeObject | undefined): ControlSettings {
  const spec = fields(meshConfig?.spec);
  const observability = fields(spec.observability);
  const max = fields(spec.sidecar).maxDataPlaneConnections;
  const validity = fields(spec.certificate).serviceCertValidityDuration;
  const seconds = typeof validity === 'string' ? durationSeconds(validity) : undefined;
  const flags = Object.entries(fields(spec.featureFlags)).filter(
    (entry): entry is [string, boolean] => typeof entry[1] === 'boolean',
  );
  return {
    logLevel: typeof observability.osmLogLevel === 'string' ? observability.osmLogLevel : undefined,
    debugServer: observability.enableDebugServer === true,
    maxConnections: typeof max === 'number' && max > 0 ? max : 0,
    certificateSeconds:
      seconds === undefined || seconds <= 0 ? DAY_SECONDS : Math.max(seconds, MIN_CERTIFICATE_SECONDS),
    featureFlags: Object.fromEntries(flags),
  };
}
