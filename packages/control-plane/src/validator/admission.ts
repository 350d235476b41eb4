import { parseUpstreamTrafficSetting } from '@osm/api';
import type { KubeClient, ResourceType } from '@osm/kube';
import { MESH_TYPES } from '../ingest/types.ts';
import { type AdmissionRequest, type AdmissionVerdict, ALLOW, deny } from '../webhook/admission.ts';
import { checkMeshConfig } from './mesh-config.ts';
import {
  checkEgress,
  checkIngressBackend,
  checkTrafficTarget,
  checkUpstreamTrafficSetting,
  type PolicyObject,
  type StoredPolicies,
} from './rules.ts';

type Check = (object: PolicyObject, stored: StoredPolicies) => readonly string[];

/** What a schema says that a CRD cannot: that one of some fields is there, that a duration is more than nothing. */
function checkShape(object: PolicyObject): readonly string[] {
  const parsed = parseUpstreamTrafficSetting(object);
  return parsed.ok ? [] : parsed.faults.map(({ field, message }) => `${field} ${message}`);
}

const CHECKS: Readonly<Record<string, Check>> = {
  TrafficTarget: checkTrafficTarget,
  IngressBackend: checkIngressBackend,
  Egress: checkEgress,
  UpstreamTrafficSetting: (object, stored) => [...checkUpstreamTrafficSetting(object, stored), ...checkShape(object)],
  MeshConfig: checkMeshConfig,
};

/** Handles the creation and change of policies: a denial lists every fault of the object at once. */
export function createPolicyWebhook(client: KubeClient): (request: AdmissionRequest) => Promise<AdmissionVerdict> {
  const listed = async (type: ResourceType, namespace: string): Promise<readonly PolicyObject[]> =>
    (await client.list(type, { namespace })).items;

  return async (request) => {
    const kind = request.kind.kind;
    const check = CHECKS[kind];
    if (check === undefined) return deny(400, `no rules are known for kind ${kind} of group ${request.kind.group}`);
    const object = request.object as PolicyObject | undefined;
    if (object === undefined || object === null) return ALLOW;
    const namespace = request.namespace ?? object.metadata.namespace ?? '';
    // Read live, as two objects created one after the other must see each other.
    const stored: StoredPolicies = {
      ingressBackends: kind === 'IngressBackend' ? await listed(MESH_TYPES.ingressBackends, namespace) : [],
      upstreamTrafficSettings:
        kind === 'UpstreamTrafficSetting' ? await listed(MESH_TYPES.upstreamTrafficSettings, namespace) : [],
    };
    const faults = check({ ...object, metadata: { ...object.metadata, namespace } }, stored);
    if (faults.length === 0) return ALLOW;
    return deny(422, `${kind} ${namespace}/${object.metadata.name}: ${faults.join('; ')}`);
  };
}
