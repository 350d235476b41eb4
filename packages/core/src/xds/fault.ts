import { type AnyOf, any } from '@osm/envoy';
import type { FaultPlan, InboundService } from '../plan/types.ts';
import { milliseconds } from './duration.ts';

type HttpFault = AnyOf<'envoy.extensions.filters.http.fault.v3.HTTPFault'>;

/** The filter's own configuration: no faults but those of virtual host and routes. */
export const NO_FAULT: HttpFault = any('envoy.extensions.filters.http.fault.v3.HTTPFault', {});

/** Whether a port makes failures. */
export const makesFaults = ({ fault, routeFaults }: InboundService): boolean =>
  fault !== undefined || routeFaults !== undefined;

const share = (percent: number) => ({ numerator: percent, denominator: 'HUNDRED' as const });

/** Failures of a virtual host or a route, in place of outer ones. */
export const httpFault = ({ delay, abort }: FaultPlan): HttpFault =>
  any('envoy.extensions.filters.http.fault.v3.HTTPFault', {
    ...(delay && { delay: { fixedDelay: milliseconds(delay.ms), percentage: share(delay.percent) } }),
    ...(abort && { abort: { httpStatus: abort.status, percentage: share(abort.percent) } }),
  });
