/** The parts of a core/v1 Pod that injection reads or writes; every other field is carried along untouched. */

/** `core/v1 HTTPGetAction`. */
export interface HttpGetAction {
  readonly path?: string;
  readonly port: number | string;
  readonly host?: string;
  readonly scheme?: string;
  readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
}

/** `core/v1 Probe`. */
export interface Probe {
  readonly httpGet?: HttpGetAction;
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string };
  readonly grpc?: { readonly port: number; readonly service?: string };
  readonly timeoutSeconds?: number;
  readonly [field: string]: unknown;
}

/** `core/v1 Container`, also used for init containers. */
export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly restartPolicy?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: object; readonly postStart?: object };
  readonly [field: string]: unknown;
}

/** `core/v1 Volume`, as far as needed. */
export interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName?: string };
  readonly [field: string]: unknown;
}

/** `core/v1 Pod`, as far as needed. */
export interface Pod {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly volumes?: readonly Volume[];
    readonly serviceAccountName?: string;
    readonly hostNetwork?: boolean;
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly terminationGracePeriodSeconds?: number;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/**
 * A pod that cannot be meshed as it stands. The message is shown to whoever created the pod, so it names the
 * annotation or field, its value, and what would be right. `code` is the catalogue code (`osm support error-info`).
 */
export class InjectionError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'InjectionError';
    this.code = code;
  }
}
