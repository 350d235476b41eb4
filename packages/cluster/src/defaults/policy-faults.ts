import { forbidden, invalid, join, notSupported, required } from '../schema/fault.ts';
import { parseQuantity } from '../schema/quantity.ts';
import { at, isRecord, list, record, sameJson, text, texts } from '../store/fields.ts';
import {
  amountFaults,
  countOrPercent,
  eachItem,
  type Faults,
  immutable,
  NONE,
  needed,
  notNegative,
  oneOf,
  positive,
} from './check.ts';
import { selectorFaults } from './selector-faults.ts';

const METRICS: Readonly<Record<string, string>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

const targetFaults = (target: unknown, path: string): Faults => {
  const { type, averageUtilization, averageValue, value } = record(target);
  return [
    ...(text(type) === ''
      ? [required(join(path, 'type'), 'must specify a metric target type')]
      : oneOf(join(path, 'type'), type, ['Utilization', 'Value', 'AverageValue'])),
    ...positive(join(path, 'averageUtilization'), averageUtilization),
    ...(averageUtilization === undefined && averageValue === undefined && value === undefined
      ? [required(join(path, 'averageUtilization'), 'must set either a target raw value or a target utilization')]
      : NONE),
  ];
};

const metricFaults = (metric: unknown, path: string): Faults => {
  const type = text(at(metric, 'type'));
  const field = METRICS[type];
  if (field === undefined) return [notSupported(join(path, 'type'), type, Object.keys(METRICS))];
  const source = at(metric, field);
  if (!isRecord(source)) return [required(join(path, field), `must populate information for the given metric source`)];
  return targetFaults(source.target, join(path, `${field}.target`));
};

/** What is wrong with an autoscaling HorizontalPodAutoscaler, v1 or v2. */
export const autoscalerFaults = (object: unknown): Faults => {
  const { minReplicas, maxReplicas, scaleTargetRef, metrics } = record(at(object, 'spec'));
  const { kind, name } = record(scaleTargetRef);
  return [
    ...(typeof minReplicas === 'number' && minReplicas < 1
      ? [invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1')]
      : NONE),
    ...(typeof maxReplicas !== 'number' || maxReplicas < 1
      ? [invalid('spec.maxReplicas', maxReplicas ?? 0, 'must be greater than 0')]
      : NONE),
    ...(typeof minReplicas === 'number' && typeof maxReplicas === 'number' && maxReplicas < minReplicas
      ? [invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`')]
      : NONE),
    ...needed('spec.scaleTargetRef.kind', kind),
    ...needed('spec.scaleTargetRef.name', name),
    ...eachItem('spec.metrics', metrics, metricFaults),
  ];
};

/** What is wrong with a policy/v1 PodDisruptionBudget. */
export const disruptionBudgetFaults = (object: unknown): Faults => {
  const spec = record(at(object, 'spec'));
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
  return [
    ...(minAvailable !== undefined && maxUnavailable !== undefined
      ? [invalid('spec', { minAvailable, maxUnavailable }, 'minAvailable and maxUnavailable cannot be both set')]
      : NONE),
    ...countOrPercent('spec.minAvailable', minAvailable),
    ...countOrPercent('spec.maxUnavailable', maxUnavailable),
    ...selectorFaults('spec.selector', selector),
    ...oneOf('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, ['IfHealthyBudget', 'AlwaysAllow']),
  ];
};

/** Highest priority that is not the system's. */
const HIGHEST = 1_000_000_000;

/** What is wrong with a scheduling.k8s.io/v1 PriorityClass. */
export const priorityClassFaults = (object: unknown, old?: unknown): Faults => {
  const { value, preemptionPolicy } = record(object);
  const name = text(at(object, 'metadata', 'name'));
  const system = name === 'system-cluster-critical' || name === 'system-node-critical';
  return [
    ...(name.startsWith('system-') && !system
      ? [forbidden('metadata.name', "priority class names with 'system-' prefix are reserved for system use only")]
      : NONE),
    ...(!system && typeof value === 'number' && value > HIGHEST
      ? [forbidden('value', `maximum allowed value of a user defined priority is ${HIGHEST}`)]
      : NONE),
    ...oneOf('preemptionPolicy', preemptionPolicy, ['Never', 'PreemptLowerPriority']),
    ...(old === undefined
      ? NONE
      : [
          ...(value === at(old, 'value') ? NONE : [forbidden('value', 'may not be changed in an update.')]),
          ...immutable('preemptionPolicy', preemptionPolicy, at(old, 'preemptionPolicy')),
        ]),
  ];
};

/** What is wrong with a coordination.k8s.io/v1 Lease. */
export const leaseFaults = (object: unknown): Faults => {
  const { leaseDurationSeconds, leaseTransitions, holderIdentity } = record(at(object, 'spec'));
  return [
    ...positive('spec.leaseDurationSeconds', leaseDurationSeconds),
    ...notNegative('spec.leaseTransitions', leaseTransitions),
    ...(holderIdentity === '' ? [invalid('spec.holderIdentity', holderIdentity, 'must not be empty')] : NONE),
  ];
};

/** What is wrong with a v1 ResourceQuota. */
export const quotaFaults = (object: unknown): Faults => amountFaults('spec.hard', at(object, 'spec', 'hard'));

const limitFaults = (limit: unknown, path: string): Faults => {
  const { type, min, max, default: usual, defaultRequest } = record(limit);
  const atMost = (field: string, values: unknown): Faults =>
    Object.entries(record(values)).flatMap(([name, value]) => {
      const most = parseQuantity(record(max)[name]);
      const given = parseQuantity(value);
      return most !== undefined && given !== undefined && given.nanos > most.nanos
        ? [
            invalid(
              `${join(path, field)}[${name}]`,
              value,
              `${field} value ${String(value)} is greater than max value ${String(record(max)[name])}`,
            ),
          ]
        : NONE;
    });
  return [
    ...needed(join(path, 'type'), type),
    ...[
      ['min', min],
      ['max', max],
      ['default', usual],
      ['defaultRequest', defaultRequest],
    ].flatMap(([field, values]) => amountFaults(join(path, String(field)), values)),
    ...atMost('min', min),
    ...atMost('default', usual),
    ...atMost('defaultRequest', defaultRequest),
  ];
};

/** What is wrong with a v1 LimitRange. */
export const limitRangeFaults = (object: unknown): Faults =>
  eachItem('spec.limits', at(object, 'spec', 'limits'), limitFaults);

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

const accessModes = (modes: unknown): Faults => [
  ...needed('spec.accessModes', modes, 'at least 1 access mode is required'),
  ...eachItem('spec.accessModes', modes, (mode, path) => oneOf(path, mode, ACCESS_MODES)),
];

/** What of a claim stays as it is; only its size grows, and the volume is named when it is bound. */
const fixedClaim = (spec: Readonly<Record<string, unknown>>, bound: boolean): object => {
  const { resources: _1, volumeAttributesClassName: _2, volumeName, ...rest } = spec;
  return bound ? { ...rest, volumeName } : rest;
};

/** What is wrong with a v1 PersistentVolumeClaim. */
export const claimFaults = (object: unknown, old?: unknown): Faults => {
  const spec = record(at(object, 'spec'));
  const before = record(at(old, 'spec'));
  const bound = text(before.volumeName) !== '';
  const storage = at(spec, 'resources', 'requests', 'storage');
  return [
    ...accessModes(spec.accessModes),
    ...(storage === undefined
      ? [required('spec.resources[storage]')]
      : amountFaults('spec.resources.requests', { storage })),
    ...oneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']),
    ...selectorFaults('spec.selector', spec.selector),
    ...(old === undefined || sameJson(fixedClaim(spec, bound), fixedClaim(before, bound))
      ? NONE
      : [
          forbidden(
            'spec',
            'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
          ),
        ]),
  ];
};

/** Fields of a volume's spec that are not where it is. */
const NOT_SOURCES = [
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
];

/** What is wrong with a v1 PersistentVolume. */
export const volumeFaults = (object: unknown): Faults => {
  const spec = record(at(object, 'spec'));
  const sources = Object.keys(spec).filter((name) => !NOT_SOURCES.includes(name) && isRecord(spec[name]));
  return [
    ...accessModes(spec.accessModes),
    ...(Object.keys(record(spec.capacity)).length === 0
      ? [required('spec.capacity')]
      : amountFaults('spec.capacity', spec.capacity)),
    ...(sources.length === 0 ? [required('spec', 'must specify a volume type')] : NONE),
    ...sources.slice(1).map((name) => forbidden(join('spec', name), 'may not specify more than 1 volume type')),
    ...oneOf('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain']),
    ...oneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']),
  ];
};

/** What is wrong with a storage.k8s.io/v1 StorageClass. */
export const storageClassFaults = (object: unknown, old?: unknown): Faults => {
  const { provisioner, reclaimPolicy, volumeBindingMode, parameters } = record(object);
  return [
    ...needed('provisioner', provisioner),
    ...oneOf('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']),
    ...oneOf('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']),
    ...(old === undefined
      ? NONE
      : [
          ...(sameJson(parameters, at(old, 'parameters'))
            ? NONE
            : [forbidden('parameters', 'updates to parameters are forbidden.')]),
          ...(provisioner === at(old, 'provisioner')
            ? NONE
            : [forbidden('provisioner', 'updates to provisioner are forbidden.')]),
          ...immutable('volumeBindingMode', volumeBindingMode, at(old, 'volumeBindingMode')),
        ]),
  ];
};

/** What is wrong with a v1 Event: it is kept where the object is that it tells of. */
export const eventFaults = (object: unknown): Faults => {
  const about = record(at(object, 'involvedObject') ?? at(object, 'regarding'));
  const namespace = text(about.namespace);
  const own = text(at(object, 'metadata', 'namespace'));
  const expected = namespace === '' ? 'default' : namespace;
  return own === expected ? NONE : [invalid('involvedObject.namespace', namespace, 'does not match event.namespace')];
};

/** What is wrong with the taints of a v1 Node. */
export const nodeFaults = (object: unknown): Faults => {
  const seen = new Set<string>();
  return eachItem('spec.taints', at(object, 'spec', 'taints'), (taint, path) => {
    const { key, effect } = record(taint);
    const identity = `${text(key)}:${text(effect)}`;
    const repeated = seen.has(identity);
    seen.add(identity);
    return [
      ...needed(join(path, 'key'), key),
      ...(text(effect) === ''
        ? [required(join(path, 'effect'))]
        : oneOf(join(path, 'effect'), effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute'])),
      ...(repeated ? [invalid(path, identity, 'taints must be unique by key and effect pair')] : NONE),
    ];
  });
};

/** What an update of a CustomResourceDefinition may not change. What is wrong with a definition itself the room `crd` tells. */
export const definitionUpdateFaults = (object: unknown, old?: unknown): Faults => {
  if (old === undefined) return NONE;
  const [spec, before] = [record(at(object, 'spec')), record(at(old, 'spec'))];
  const versions = new Set(list(spec.versions).map((version) => at(version, 'name')));
  const lost = texts(at(old, 'status', 'storedVersions')).filter((version) => !versions.has(version));
  return [
    ...immutable('spec.group', spec.group, before.group),
    ...immutable('spec.scope', spec.scope, before.scope),
    ...immutable('spec.names.plural', at(spec, 'names', 'plural'), at(before, 'names', 'plural')),
    ...immutable('spec.names.kind', at(spec, 'names', 'kind'), at(before, 'names', 'kind')),
    ...lost.map((version) => invalid('status.storedVersions', version, 'must appear in spec.versions')),
  ];
};
