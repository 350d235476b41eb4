import type { KubeObject } from '@osm/kube';
import { at, list, number, record, strings, text, texts } from '../store/fields.ts';
import type { PrinterColumn } from '../types.ts';
import { AGE, column, NAME, orNone, wide } from './column.ts';
import { ageOf } from './duration.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';

const nodeStatus = (node: KubeObject): string => {
  const ready = list(at(node, 'status', 'conditions')).find((condition) => at(condition, 'type') === 'Ready');
  const word = ready === undefined ? 'Unknown' : at(ready, 'status') === 'True' ? 'Ready' : 'NotReady';
  return at(node, 'spec', 'unschedulable') === true ? `${word},SchedulingDisabled` : word;
};

const nodeRoles = (node: KubeObject): string =>
  orNone(
    Object.keys(strings(node.metadata.labels))
      .filter((key) => key.startsWith(ROLE_PREFIX) && key !== ROLE_PREFIX)
      .map((key) => key.slice(ROLE_PREFIX.length))
      .sort()
      .join(','),
  );

const nodeAddress = (type: string) => (node: KubeObject) =>
  orNone(
    text(
      at(
        list(at(node, 'status', 'addresses')).find((address) => at(address, 'type') === type),
        'address',
      ),
    ),
  );

const nodeInfo = (field: string) => (node: KubeObject) => text(at(node, 'status', 'nodeInfo', field)) || '<unknown>';

/** The columns of `kubectl get nodes`. */
export const NODE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Status', nodeStatus),
  column('Roles', nodeRoles),
  AGE,
  column('Version', (node) => text(at(node, 'status', 'nodeInfo', 'kubeletVersion'))),
  wide('Internal-IP', nodeAddress('InternalIP')),
  wide('External-IP', nodeAddress('ExternalIP')),
  wide('OS-Image', nodeInfo('osImage')),
  wide('Kernel-Version', nodeInfo('kernelVersion')),
  wide('Container-Runtime', nodeInfo('containerRuntimeVersion')),
];

/** The columns of `kubectl get namespaces`. */
export const NAMESPACE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Status', (object) => text(at(object, 'status', 'phase'))),
  AGE,
];

const size = (...fields: readonly string[]) => {
  return (object: KubeObject) => fields.reduce((sum, field) => sum + Object.keys(record(object[field])).length, 0);
};

/** The columns of `kubectl get secrets`. */
export const SECRET_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Type', (object) => text(object.type)),
  column('Data', size('data'), 'integer'),
  AGE,
];

/** The columns of `kubectl get configmaps`. */
export const CONFIG_MAP_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Data', size('data', 'binaryData'), 'integer'),
  AGE,
];

/** The columns of `kubectl get serviceaccounts`. */
export const SERVICE_ACCOUNT_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Secrets', (object) => list(object.secrets).length, 'integer'),
  AGE,
];

const involved = (event: KubeObject): string => {
  const target = event.involvedObject ?? event.regarding;
  return `${text(at(target, 'kind')).toLowerCase()}/${text(at(target, 'name'))}`;
};

const seen = (event: KubeObject, fields: readonly string[], now: Date): string => {
  const time = fields.map((field) => event[field]).find((value) => typeof value === 'string');
  return ageOf(time, now);
};

const LAST_SEEN = ['lastTimestamp', 'deprecatedLastTimestamp', 'eventTime', 'firstTimestamp'];
const FIRST_SEEN = ['firstTimestamp', 'deprecatedFirstTimestamp', 'eventTime'];

/** The columns of `kubectl get events`, for both event APIs. */
export const EVENT_COLUMNS: readonly PrinterColumn[] = [
  column('Last Seen', (event, now) => {
    const observed = at(event, 'series', 'lastObservedTime');
    return observed === undefined ? seen(event, LAST_SEEN, now) : ageOf(observed, now);
  }),
  column('Type', (event) => text(event.type)),
  column('Reason', (event) => text(event.reason)),
  column('Object', involved),
  wide('Subobject', (event) => text(at(event.involvedObject ?? event.regarding, 'fieldPath'))),
  wide('Source', (event) => {
    const source = event.source ?? event.deprecatedSource;
    const component =
      text(at(source, 'component')) || text(event.reportingComponent) || text(event.reportingController);
    const host = text(at(source, 'host'));
    return host === '' ? component : `${component}, ${host}`;
  }),
  column('Message', (event) => text(event.message ?? event.note).trim()),
  wide('First Seen', (event, now) => seen(event, FIRST_SEEN, now)),
  wide(
    'Count',
    (event) => number(at(event, 'series', 'count'), number(event.count ?? event.deprecatedCount, 1)),
    'integer',
  ),
  { ...NAME, priority: 1 },
];

const accessModes = (modes: unknown): string => {
  const short: Record<string, string> = {
    ReadWriteOnce: 'RWO',
    ReadOnlyMany: 'ROX',
    ReadWriteMany: 'RWX',
    ReadWriteOncePod: 'RWOP',
  };
  return texts(modes)
    .map((mode) => short[mode] ?? mode)
    .join(',');
};

/** The columns of `kubectl get persistentvolumeclaims`. */
export const CLAIM_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Status', (object) =>
    object.metadata.deletionTimestamp === undefined ? text(at(object, 'status', 'phase')) : 'Terminating',
  ),
  column('Volume', (object) => text(at(object, 'spec', 'volumeName'))),
  column('Capacity', (object) => text(at(object, 'status', 'capacity', 'storage'))),
  column('Access Modes', (object) => accessModes(at(object, 'status', 'accessModes'))),
  column('StorageClass', (object) => text(at(object, 'spec', 'storageClassName'))),
  AGE,
  wide('VolumeMode', (object) => orNone(text(at(object, 'spec', 'volumeMode')))),
];

/** The columns of `kubectl get persistentvolumes`. */
export const VOLUME_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Capacity', (object) => text(at(object, 'spec', 'capacity', 'storage'))),
  column('Access Modes', (object) => accessModes(at(object, 'spec', 'accessModes'))),
  column('Reclaim Policy', (object) => text(at(object, 'spec', 'persistentVolumeReclaimPolicy'))),
  column('Status', (object) =>
    object.metadata.deletionTimestamp === undefined ? text(at(object, 'status', 'phase')) : 'Terminating',
  ),
  column('Claim', (object) => {
    const claim = at(object, 'spec', 'claimRef');
    return claim === undefined ? '' : `${text(at(claim, 'namespace'))}/${text(at(claim, 'name'))}`;
  }),
  column('StorageClass', (object) => text(at(object, 'spec', 'storageClassName'))),
  column('Reason', (object) => text(at(object, 'status', 'reason'))),
  AGE,
];

/** The columns of `kubectl get resourcequotas`. */
export const QUOTA_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Request', (object) => quota(object, (name) => !name.startsWith('limits.'))),
  column('Limit', (object) => quota(object, (name) => name.startsWith('limits.'))),
  AGE,
];

const quota = (object: KubeObject, wanted: (name: string) => boolean): string => {
  const used = record(at(object, 'status', 'used'));
  return Object.entries(record(at(object, 'status', 'hard')))
    .filter(([name]) => wanted(name))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, hard]) => `${name}: ${String(used[name] ?? '0')}/${String(hard)}`)
    .join(', ');
};
