import { z } from 'zod';
import { defineKind } from '../kind.ts';

const spec = z.object({
  service: z.string().min(1).describe('Service that clients call, in the namespace of the object.'),
  backends: z
    .array(
      z.object({
        service: z.string().min(1),
        weight: z.int().min(0).max(2_147_483_647).describe('Share of the traffic, relative to the other backends.'),
      }),
    )
    .optional(),
  matches: z
    .array(z.object({ apiGroup: z.string().optional(), kind: z.string().min(1), name: z.string().min(1) }))
    .optional()
    .describe('HTTPRouteGroups of the namespace: only requests that match one are split (v1alpha4).'),
});

/** Spec of a TrafficSplit (SMI Traffic Split v1alpha2 and v1alpha4). */
export type TrafficSplitSpec = z.output<typeof spec>;

/** How the traffic of a service is shared among others. */
export const trafficSplit = defineKind({
  group: 'split.smi-spec.io',
  kind: 'TrafficSplit',
  plural: 'trafficsplits',
  shortNames: ['ts'],
  description: 'Shares the traffic of a service among other services by weight.',
  versions: [
    { name: 'v1alpha1', served: false, storage: false },
    { name: 'v1alpha2', served: true, storage: true },
    { name: 'v1alpha3', served: false, storage: false },
    { name: 'v1alpha4', served: true, storage: false },
  ],
  spec,
  columns: [
    { name: 'Service', type: 'string', jsonPath: '.spec.service', description: 'Service that clients call' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});
