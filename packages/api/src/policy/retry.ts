import { z } from 'zod';
import { count, duration, namedIn, percent } from '../fields.ts';
import { defineKind } from '../kind.ts';

const spec = z.object({
  source: namedIn('ServiceAccount').describe('Service account whose requests are retried.'),
  destinations: z.array(z.object({ kind: z.string().min(1), name: z.string().min(1), namespace: z.string().min(1) })),
  retryPolicy: z.object({
    retryOn: z.string().optional().describe("Envoy's list of conditions, such as 5xx,reset."),
    perTryTimeout: duration().optional(),
    numRetries: count().optional(),
    retryBackoffBaseInterval: duration().optional(),
    budget: z
      .object({
        percent: percent().optional().describe('Retries under way for each hundred requests under way; 20 unless set.'),
        minConcurrency: count()
          .optional()
          .describe('Retries that may be under way however few requests are; 10 unless set.'),
      })
      .optional()
      .describe('What keeps retries from becoming a storm.'),
  }),
});

/** Spec of a Retry. */
export type RetrySpec = z.output<typeof spec>;

/** Which requests are repeated when they fail. */
export const retry = defineKind({
  group: 'policy.openservicemesh.io',
  kind: 'Retry',
  plural: 'retries',
  shortNames: [],
  description: 'Repeats failed requests from a service account to services.',
  versions: [{ name: 'v1alpha1', served: true, storage: true }],
  spec,
  columns: [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
});
