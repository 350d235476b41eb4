import { z } from 'zod';

/** Status that Open Service Mesh gave to its policies. */
export const policyStatus = z.object({
  currentStatus: z.string().optional().describe('committed, error or pending'),
  reason: z.string().optional(),
});
