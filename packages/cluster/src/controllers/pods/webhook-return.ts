import { TYPES } from '@osm/kube';
import type { ControllerContext } from '../context.ts';

/**
 * Calls back when a webhook that did not answer may answer again: its configuration or the endpoints of some service have
 * changed. Returns the unsubscribe function.
 */
export const followWebhooks = ({ mirrors }: ControllerContext, listener: () => void): (() => void) => {
  const ends = [
    mirrors.endpointSlices.subscribe(listener),
    mirrors.of(TYPES.mutatingWebhooks).subscribe(listener),
    mirrors.of(TYPES.validatingWebhooks).subscribe(listener),
  ];
  return () => {
    for (const end of ends) end();
  };
};
