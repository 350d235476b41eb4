import type { KubeObject } from '@osm/kube';
import { durationSeconds } from '../commands/options.ts';

/** The certificate that an ingress gateway is to have (`certificate.ingressGateway`). */
export interface GatewaySettings {
  /** The first is the common name too. */
  readonly subjectAltNames: readonly string[];
  readonly validitySeconds: number;
  readonly secret: { readonly name: string; readonly namespace: string };
}

/** The part of MeshConfig that steers the controller itself, live. */
export interface ControlSettings {
  readonly logLevel: string | undefined;
  readonly debugServer: boolean;
  /** 0 is unlimited. */
  readonly maxConnections: number;
  readonly certificateSeconds: number;
  readonly ingressGateway: GatewaySettings | undefined;
  readonly featureFlags: Readonly<Record<string, boolean>>;
}

const DAY_SECONDS = 24 * 3600;
/** Envoy and the control plane need a moment to renew; a shorter life would only produce outages. */
const MIN_CERTIFICATE_SECONDS = 60;

type Fields = Readonly<Record<string, unknown>>;
const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

/** A certificate's life in seconds. */
function validitySeconds(value: unknown): number {
  const seconds = typeof value === 'string' ? durationSeconds(value) : undefined;
  return seconds === undefined || seconds <= 0 ? DAY_SECONDS : Math.max(seconds, MIN_CERTIFICATE_SECONDS);
}

/** Undefined without the field, and for one that does not say enough: the CRD lets none such pass. */
function gatewaySettings(value: unknown): GatewaySettings | undefined {
  const { subjectAltNames, validityDuration, secret } = fields(value);
  const { name, namespace } = fields(secret);
  const names = Array.isArray(subjectAltNames)
    ? subjectAltNames.filter((each): each is string => typeof each === 'string' && each !== '')
    : [];
  if (names.length === 0 || typeof name !== 'string' || typeof namespace !== 'string') return undefined;
  return { subjectAltNames: names, validitySeconds: validitySeconds(validityDuration), secret: { name, namespace } };
}

/** Reads the controller's settings; what is missing or unusable takes the default of the API. */
export function readControlSettings(meshConfig: KubeObject | undefined): ControlSettings {
  const spec = fields(meshConfig?.spec);
  const observability = fields(spec.observability);
  const max = fields(spec.sidecar).maxDataPlaneConnections;
  const certificate = fields(spec.certificate);
  const flags = Object.entries(fields(spec.featureFlags)).filter(
    (entry): entry is [string, boolean] => typeof entry[1] === 'boolean',
  );
  return {
    logLevel: typeof observability.osmLogLevel === 'string' ? observability.osmLogLevel : undefined,
    debugServer: observability.enableDebugServer === true,
    maxConnections: typeof max === 'number' && max > 0 ? max : 0,
    certificateSeconds: validitySeconds(certificate.serviceCertValidityDuration),
    ingressGateway: gatewaySettings(certificate.ingressGateway),
    featureFlags: Object.fromEntries(flags),
  };
}
