import { z } from 'zod';
import { defineKind } from '../kind.ts';

const subject = z.object({
  kind: z.string().min(1).describe('ServiceAccount'),
  name: z.string().min(1),
  namespace: z.string().min(1),
});

const spec = z.object({
  destination: subject.describe(
    'Service account whose workloads are called. Its namespace must be that of the object.',
  ),
  rules: z
    .array(
      z.object({
        kind: z.enum(['HTTPRouteGroup', 'TCPRoute', 'UDPRoute']),
        name: z.string().min(1).describe('Route group in the namespace of the object.'),
        matches: z
          .array(z.string())
          .optional()
          .describe('Names of the matches of an HTTPRouteGroup that are allowed. None are when the list is empty.'),
      }),
    )
    .optional()
    .describe('What the sources may request.'),
  sources: z.array(subject).optional().describe('Service accounts that may call.'),
});

/** Spec of a TrafficTarget (SMI Traffic Access Control v1alpha3). */
export type TrafficTargetSpec = z.output<typeof spec>;

/** Who may call a service account, and with which requests. */
export const trafficTarget = defineKind({
  group: 'access.smi-spec.io',
  kind: 'TrafficTarget',
  plural: 'traffictargets',
  shortNames: ['tt'],
  description: 'Allows service accounts to call the workloads of another service account.',
  versions: [
    { name: 'v1alpha1', served: false, storage: false },
    { name: 'v1alpha2', served: false, storage: false },
    { name: 'v1alpha3', served: true, storage: true },
  ],
  spec,
  columns: [
    { name: 'Destination', type: 'string', jsonPath: '.spec.destination.name' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});
