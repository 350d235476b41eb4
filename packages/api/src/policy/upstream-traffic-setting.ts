import { z } from 'zod';
import { duration } from '../fields.ts';
import { defineKind } from '../kind.ts';
import { policyStatus } from './status.ts';

const unit = z.enum(['second', 'minute', 'hour']);
const count = () => z.int().min(0).max(4_294_967_295);

const localTcp = z.object({ connections: count().min(1), unit, burst: count().optional() });
const localHttp = z.object({
  requests: count().min(1),
  unit,
  burst: count().optional(),
  responseStatusCode: z.int().min(400).max(599).optional().describe('429 unless set.'),
  responseHeadersToAdd: z.array(z.object({ name: z.string().min(1), value: z.string() })).optional(),
});

const spec = z.object({
  host: z.string().min(1).describe('`<service>.<namespace>.svc.cluster.local`, or a host that an Egress names.'),
  connectionSettings: z
    .object({
      tcp: z.object({ maxConnections: count().optional(), connectTimeout: duration().optional() }).optional(),
      http: z
        .object({
          maxRequests: count().optional(),
          maxRequestsPerConnection: count().optional(),
          maxPendingRequests: count().optional(),
          maxRetries: count().optional(),
        })
        .optional(),
    })
    .optional(),
  rateLimit: z
    .object({ local: z.object({ tcp: localTcp.optional(), http: localHttp.optional() }).optional() })
    .optional(),
  httpRoutes: z
    .array(
      z.object({
        path: z.string().min(1).describe('Path regex of a configured route, such as `.*`.'),
        rateLimit: z.object({ local: localHttp.optional() }).optional(),
      }),
    )
    .optional(),
});

/** Spec of an UpstreamTrafficSetting. */
export type UpstreamTrafficSettingSpec = z.output<typeof spec>;

/** Limits on the traffic to a service. */
export const upstreamTrafficSetting = defineKind({
  group: 'policy.openservicemesh.io',
  kind: 'UpstreamTrafficSetting',
  plural: 'upstreamtrafficsettings',
  shortNames: [],
  description: 'Limits connections and requests to a service.',
  versions: [{ name: 'v1alpha1', served: true, storage: true }],
  spec,
  status: policyStatus,
  columns: [
    { name: 'Host', type: 'string', jsonPath: '.spec.host' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});
