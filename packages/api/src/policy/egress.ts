import { z } from 'zod';
import { anyCidr, port } from '../fields.ts';
import { defineKind } from '../kind.ts';

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
