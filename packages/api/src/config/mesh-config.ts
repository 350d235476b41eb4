import { z } from 'zod';
import { cidr, duration, headerName, port } from '../fields.ts';
import { defineKind } from '../kind.ts';

const tlsVersion = () => z.enum(['TLS_AUTO', 'TLSv1_0', 'TLSv1_1', 'TLSv1_2', 'TLSv1_3']);
const quantities = z.record(z.string(), z.union([z.string(), z.number()])).meta({
  type: 'object',
  additionalProperties: { 'x-kubernetes-int-or-string': true },
});

const sidecar = z.object({
  enablePrivilegedInitContainer: z.boolean().default(false),
  logLevel: z.enum(['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off', '']).optional(),
  envoyImage: z.string().optional(),
  envoyWindowsImage: z.string().optional(),
  initContainerImage: z.string().optional(),
  maxDataPlaneConnections: z.int().min(0).default(0).describe('Proxies per controller replica; 0 is unlimited.'),
  configResyncInterval: duration().optional(),
  resources: z
    .object({ limits: quantities.optional(), requests: quantities.optional() })
    .optional()
    .describe('Resources of the sidecar of new pods.'),
  tlsMinProtocolVersion: tlsVersion().default('TLSv1_2'),
  tlsMaxProtocolVersion: tlsVersion().default('TLSv1_3'),
  cipherSuites: z.array(z.string()).optional(),
  ecdhCurves: z.array(z.string()).optional(),
  localProxyMode: z.enum(['Localhost', 'PodIP']).default('Localhost'),
});

const headerNames = () => z.array(headerName()).max(64).optional();

/** How an authorization service is asked. */
const authorizer = {
  statPrefix: z.string().optional(),
  timeout: duration().optional().describe('How long to wait for an answer; 1s unless set.'),
  failureModeAllow: z
    .boolean()
    .default(false)
    .describe('Requests pass while the service does not answer; otherwise they are denied.'),
  protocol: z.enum(['grpc', 'http']).optional().describe("Envoy's gRPC protocol, unless set."),
  http: z
    .object({
      pathPrefix: z.string().max(1024).optional().describe('What the path of a question begins with.'),
      requestHeaders: headerNames().describe(
        'Headers of a request that are shown besides method, path, host and Authorization.',
      ),
      upstreamHeaders: headerNames().describe('Headers of the answer that the application gets.'),
      clientHeaders: headerNames().describe('Headers of a denial that the client gets; all unless set.'),
    })
    .optional(),
};

const traffic = z.object({
  enableEgress: z.boolean().default(false).describe('Traffic to destinations outside the mesh passes through.'),
  outboundIPRangeExclusionList: z.array(cidr()).optional(),
  outboundIPRangeInclusionList: z.array(cidr()).optional(),
  outboundPortExclusionList: z.array(port()).optional(),
  inboundPortExclusionList: z.array(port()).optional(),
  networkInterfaceExclusionList: z.array(z.string()).optional(),
  enablePermissiveTrafficPolicyMode: z
    .boolean()
    .default(false)
    .describe(
      'Every workload of the mesh may call every other; otherwise policies decide, and the default is to deny.',
    ),
  inboundExternalAuthorization: z
    .object({
      enable: z.boolean().default(false),
      address: z.string().optional(),
      port: port().optional(),
      ...authorizer,
    })
    .optional(),
  externalAuthorizers: z
    .array(
      z.object({
        name: z
          .string()
          .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a DNS label')
          .refine((name) => name !== 'disabled', 'stands for none'),
        address: z.string().min(1),
        port: port(),
        ...authorizer,
      }),
    )
    .max(64)
    .optional()
    .describe('Authorization services that annotations of namespaces and pods may name instead.'),
});

const observability = z.object({
  osmLogLevel: z.string().optional(),
  enableDebugServer: z.boolean().default(false),
  tracing: z
    .object({
      enable: z.boolean().default(false),
      port: port().optional(),
      address: z.string().optional(),
      endpoint: z.string().optional(),
    })
    .optional(),
});

const certificate = z.object({
  serviceCertValidityDuration: duration().optional().describe('Life of a workload certificate; 24h unless set.'),
  certKeyBitSize: z.int().optional(),
  ingressGateway: z
    .object({
      subjectAltNames: z.array(z.string()).min(1),
      validityDuration: duration().optional(),
      secret: z.object({ name: z.string().min(1), namespace: z.string().min(1) }),
    })
    .optional(),
});

const featureFlags = z.object({
  enableWASMStats: z.boolean().default(false),
  enableEgressPolicy: z.boolean().default(true),
  enableMulticlusterMode: z.boolean().default(false),
  enableSnapshotCacheMode: z.boolean().default(false),
  enableAsyncProxyServiceMapping: z.boolean().default(false),
  enableIngressBackendPolicy: z.boolean().default(true),
  enableEnvoyActiveHealthChecks: z.boolean().default(false),
  enableRetryPolicy: z.boolean().default(true),
  enableMeshRootCertificate: z.boolean().default(false),
});

const spec = z.object({
  sidecar: sidecar.prefault({}),
  traffic: traffic.prefault({}),
  observability: observability.prefault({}),
  certificate: certificate.prefault({}),
  featureFlags: featureFlags.prefault({}),
});

/** Spec of a MeshConfig. */
export type MeshConfigSpec = z.output<typeof spec>;

/** Settings of a mesh. */
export const meshConfig = defineKind({
  group: 'config.openservicemesh.io',
  kind: 'MeshConfig',
  plural: 'meshconfigs',
  shortNames: ['meshconfig'],
  description: 'Settings of a mesh. Only the one named osm-mesh-config in the control plane namespace is read.',
  versions: [
    { name: 'v1alpha1', served: true, storage: false },
    { name: 'v1alpha2', served: true, storage: true },
  ],
  spec,
  columns: [
    { name: 'Permissive', type: 'boolean', jsonPath: '.spec.traffic.enablePermissiveTrafficPolicyMode' },
    { name: 'Egress', type: 'boolean', jsonPath: '.spec.traffic.enableEgress' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});
