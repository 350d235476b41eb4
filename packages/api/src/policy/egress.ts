import { z } from 'zod';
import { anyCidr, port } from '../fields.ts';
import { defineKind } from '../kind.ts';

const tls = z.object({
  port: port().default(443).describe('Port of the host on which it speaks TLS.'),
  serverName: z.string().min(1).optional().describe('Name that the host must prove (and SNI); the host unless set.'),
  ca: z
    .object({ kind: z.enum(['ConfigMap', 'Secret']), key: z.string().min(1) })
    .optional()
    .describe(
      'Key of the ConfigMap or Secret osm-egress-ca, in the namespace of the object, that holds the authorities to trust (PEM); those of the sidecar image unless set.',
    ),
});

const spec = z.object({
  sources: z
    .array(z.object({ kind: z.literal('ServiceAccount'), name: z.string().min(1), namespace: z.string().min(1) }))
    .describe('Service accounts that may call out.'),
  hosts: z.array(z.string().min(1)).optional(),
  ipAddresses: z.array(anyCidr()).optional(),
  ports: z.array(
    z.object({
      number: port(),
      protocol: z.string().min(1).describe('http, https, tcp or tcp-server-first'),
      tls: tls.optional().describe('Addition, for http: the sidecar speaks TLS to the host, and verifies it.'),
    }),
  ),
  matches: z
    .array(z.object({ apiGroup: z.string().optional(), kind: z.string().min(1), name: z.string().min(1) }))
    .optional()
    .describe('HTTPRouteGroups that limit the requests, and at most one UpstreamTrafficSetting.'),
});

/** Spec of an Egress. */
export type EgressSpec = z.output<typeof spec>;

/** Traffic to outside the mesh. */
export const egress = defineKind({
  group: 'policy.openservicemesh.io',
  kind: 'Egress',
  plural: 'egresses',
  shortNames: [],
  description: 'Allows service accounts to call hosts outside the mesh.',
  versions: [{ name: 'v1alpha1', served: true, storage: true }],
  spec,
  columns: [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
});
