import { z } from 'zod';
import { duration, headerName, oneOf, percent, positiveDuration } from '../fields.ts';

const BY = ['header', 'cookie', 'sourceAddress'] as const;

/** How the calls to a service are spread over its endpoints. */
export const loadBalancing = z
  .object({
    affinity: z
      .object({
        header: z.object({ name: headerName() }).optional(),
        cookie: z
          .object({
            name: z.string().min(1).max(256),
            ttl: duration().optional().describe('Life of a cookie that the mesh sets; a session unless set.'),
            path: z.string().min(1).max(1024).optional().describe('/ unless set.'),
          })
          .optional(),
        sourceAddress: z.object({}).optional(),
        algorithm: z.enum(['Maglev', 'RingHash']).optional().describe('Maglev unless set.'),
      })
      .refine(oneOf(...BY), `must have one of ${BY.join(', ')}`)
      .optional()
      .describe('Calls that have this in common go to the same endpoint, as long as it is there.'),
    slowStart: z
      .object({
        window: positiveDuration().describe('How long a new endpoint gets less than its share.'),
        minWeightPercent: percent().min(1).optional().describe('What it gets at first; 10 unless set.'),
      })
      .optional(),
    locality: z
      .enum(['PreferSameZone'])
      .optional()
      .describe("Endpoints of the caller's zone are called as long as enough of them are well."),
  })
  .refine(({ affinity, slowStart }) => affinity === undefined || slowStart === undefined, {
    path: ['slowStart'],
    message: 'cannot be had with affinity, which keeps callers where they are',
  });
