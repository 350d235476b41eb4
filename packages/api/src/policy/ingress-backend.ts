import { z } from 'zod';
import { port } from '../fields.ts';
import { defineKind } from '../kind.ts';
import { policyStatus } from './status.ts';

const spec = z.object({
  backends: z.array(
    z.object({
      name: z.string().min(1).describe('Service in the namespace of the object.'),
      port: z.object({
        number: port().describe("The Service's target port."),
        protocol: z.string().min(1).describe('http or https'),
      }),
      tls: z
        .object({
          skipClientCertValidation: z.boolean().default(false),
          sniHosts: z.array(z.string().min(1)).optional(),
        })
        .optional(),
    }),
  ),
  sources: z.array(
    z.object({
      kind: z.enum(['Service', 'AuthenticatedPrincipal', 'IPRange']),
      name: z.string().min(1),
      namespace: z.string().optional(),
    }),
  ),
  matches: z
    .array(z.object({ apiGroup: z.string().optional(), kind: z.string().min(1), name: z.string().min(1) }))
    .optional(),
});

/** Spec of an IngressBackend. */
export type IngressBackendSpec = z.output<typeof spec>;

/** Traffic from an ingress controller. */
export const ingressBackend = defineKind({
  group: 'policy.openservicemesh.io',
  kind: 'IngressBackend',
  plural: 'ingressbackends',
  shortNames: [],
  description: 'Lets traffic from outside the mesh, such as from an ingress controller, come to a service.',
  versions: [{ name: 'v1alpha1', served: true, storage: true }],
  spec,
  status: policyStatus,
  columns: [
    { name: 'Status', type: 'string', jsonPath: '.status.currentStatus' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});
