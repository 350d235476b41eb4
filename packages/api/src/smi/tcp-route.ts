import { z } from 'zod';
import { port } from '../fields.ts';
import { defineKind } from '../kind.ts';

const spec = z.object({
  matches: z
    .object({
      name: z.string().optional(),
      ports: z.array(port()).optional().describe('Ports on which the workload listens; any TCP port when empty.'),
    })
    .optional(),
});

/** Spec of a TCPRoute (SMI Traffic Specs v1alpha4). */
export type TCPRouteSpec = z.output<typeof spec>;

/** TCP ports, by name. */
export const tcpRoute = defineKind({
  group: 'specs.smi-spec.io',
  kind: 'TCPRoute',
  plural: 'tcproutes',
  shortNames: ['tr'],
  description: 'Names TCP ports, for TrafficTarget.',
  versions: [
    { name: 'v1alpha1', served: false, storage: false },
    { name: 'v1alpha2', served: false, storage: false },
    { name: 'v1alpha3', served: false, storage: false },
    { name: 'v1alpha4', served: true, storage: true },
  ],
  spec,
  columns: [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
});
