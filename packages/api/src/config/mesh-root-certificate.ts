import { z } from 'zod';
import { port } from '../fields.ts';
import { defineKind } from '../kind.ts';

const spec = z.object({
  trustDomain: z.string().min(1).default('cluster.local'),
  provider: z
    .object({
      tresor: z
        .object({ ca: z.object({ secretRef: z.object({ name: z.string(), namespace: z.string() }) }) })
        .optional(),
      vault: z
        .object({
          host: z.string(),
          port: port(),
          role: z.string(),
          protocol: z.enum(['http', 'https']),
          token: z.object({
            secretKeyRef: z.object({ name: z.string(), key: z.string(), namespace: z.string() }),
          }),
        })
        .optional(),
      certManager: z
        .object({
          issuerName: z.string(),
          issuerKind: z.enum(['Issuer', 'ClusterIssuer']),
          issuerGroup: z.string(),
        })
        .optional(),
    })
    .describe('Exactly one provider.'),
  role: z.enum(['active', 'passive', 'inactive']).optional(),
  spiffeEnabled: z.boolean().optional(),
});

const status = z.object({
  state: z.string().optional(),
  transitionAfter: z.string().optional(),
  componentStatuses: z.record(z.string(), z.string()).optional(),
  conditions: z
    .array(
      z.object({
        type: z.string(),
        status: z.string(),
        reason: z.string().optional(),
        message: z.string().optional(),
        lastTransitionTime: z.string().optional(),
      }),
    )
    .optional(),
});

/** Spec of a MeshRootCertificate. */
export type MeshRootCertificateSpec = z.output<typeof spec>;

/** A root of trust. */
export const meshRootCertificate = defineKind({
  group: 'config.openservicemesh.io',
  kind: 'MeshRootCertificate',
  plural: 'meshrootcertificates',
  shortNames: ['mrc'],
  description: 'A root certificate of a mesh and the provider that signs with it.',
  versions: [{ name: 'v1alpha2', served: true, storage: true }],
  spec,
  status,
  columns: [
    { name: 'Role', type: 'string', jsonPath: '.spec.role' },
    { name: 'State', type: 'string', jsonPath: '.status.state' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});
