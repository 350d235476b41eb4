import { z } from 'zod';
import { count, duration } from '../fields.ts';
import { defineKind } from '../kind.ts';
import { loadBalancing } from './load-balancing.ts';
import { rateLimit, routeRateLimit } from './rate-limit.ts';
import { fault, outlierDetection, timeouts } from './resilience.ts';
import { policyStatus } from './status.ts';

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
  outlierDetection: outlierDetection.optional(),
  loadBalancing: loadBalancing.optional(),
  timeouts: timeouts.optional(),
  fault: fault.optional(),
  rateLimit: rateLimit.optional(),
  httpRoutes: z
    .array(
      z.object({
        path: z.string().min(1).describe('Path regex of a configured route, such as `.*`.'),
        rateLimit: routeRateLimit.optional(),
        timeouts: timeouts.optional(),
        fault: fault.optional(),
      }),
    )
    .optional(),
});

/** Spec of an UpstreamTrafficSetting. */
export type UpstreamTrafficSettingSpec = z.output<typeof spec>;

/** Limits on the traffic to a service, and what is done when it fails. */
export const upstreamTrafficSetting = defineKind({
  group: 'policy.openservicemesh.io',
  kind: 'UpstreamTrafficSetting',
  plural: 'upstreamtrafficsettings',
  shortNames: [],
  description: 'Limits connections and requests to a service, and says what is done when it fails.',
  versions: [{ name: 'v1alpha1', served: true, storage: true }],
  spec,
  status: policyStatus,
  columns: [
    { name: 'Host', type: 'string', jsonPath: '.spec.host' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});
