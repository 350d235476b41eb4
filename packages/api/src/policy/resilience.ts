import { z } from 'zod';
import { count, duration, percent, positiveDuration } from '../fields.ts';

/** How long calls may take; 0 is for ever. */
export const timeouts = z.object({
  request: duration()
    .optional()
    .describe('From the whole request to the whole answer, retries included; 0 unless set.'),
  idle: duration().optional().describe('Without a byte either way: a request, or a connection that is no HTTP.'),
});

/** When an endpoint that fails is left out for a while. */
export const outlierDetection = z.object({
  consecutive5xx: count()
    .optional()
    .describe('Failures in a row, connections that fail included; 5 unless set, 0 is off.'),
  consecutiveGatewayErrors: count()
    .optional()
    .describe('Answers 502, 503 and 504 in a row; 0, which is off, unless set.'),
  interval: positiveDuration().optional().describe('Time between looks; 10s unless set.'),
  baseEjectionTime: positiveDuration().optional().describe('Time left out, for each time in a row; 30s unless set.'),
  maxEjectionTime: positiveDuration().optional().describe('The longest time left out; 5m unless set.'),
  maxEjectionPercent: percent().optional().describe('Share of endpoints left out at most; 50 unless set.'),
});

/** Failures made on purpose, where the service takes requests. */
export const fault = z.object({
  delay: z
    .object({
      duration: positiveDuration(),
      percent: percent().optional().describe('Share of requests; 100 unless set.'),
    })
    .optional(),
  abort: z
    .object({
      status: z.int().min(200).max(599),
      percent: percent().optional().describe('Share of requests; 100 unless set.'),
    })
    .optional(),
});
