import { z } from 'zod';
import { defineKind } from '../kind.ts';

const headerMap = z.record(z.string(), z.string());

const spec = z.object({
  matches: z
    .array(
      z.object({
        name: z.string().min(1),
        pathRegex: z.string().optional().describe('RE2 that the whole path, without query, must match.'),
        methods: z
          .array(z.enum(['*', 'GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']))
          .optional(),
        headers: z
          .union([headerMap, z.array(headerMap)])
          .optional()
          .describe('RE2 for the value of each header; `host` is the authority. A map, or a list of maps.')
          .meta({ 'x-kubernetes-preserve-unknown-fields': true }),
      }),
    )
    .optional(),
});

/** Spec of an HTTPRouteGroup (SMI Traffic Specs v1alpha4). */
export type HTTPRouteGroupSpec = z.output<typeof spec>;

/** Named kinds of HTTP requests. */
export const httpRouteGroup = defineKind({
  group: 'specs.smi-spec.io',
  kind: 'HTTPRouteGroup',
  plural: 'httproutegroups',
  shortNames: ['htr'],
  description: 'Names kinds of HTTP requests, for TrafficTarget, TrafficSplit and Egress.',
  versions: [
    { name: 'v1alpha1', served: false, storage: false },
    { name: 'v1alpha2', served: false, storage: false },
    { name: 'v1alpha3', served: false, storage: false },
    { name: 'v1alpha4', served: true, storage: true },
  ],
  spec,
  columns: [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
});
