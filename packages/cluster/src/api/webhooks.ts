import type { KubeObject } from '@osm/kube';
import type { AdmissionCall } from './admit.ts';
import type { ApiState } from './state.ts';

/** Asks the webhooks of a phase. Throws the Status of a denial. */
export const callWebhooks = async (
  _api: ApiState,
  _phase: 'mutating' | 'validating',
  _call: AdmissionCall,
  object: KubeObject,
): Promise<KubeObject> => object;
