import { isIP } from 'node:net';
import { duplicate, forbidden, invalid, join, required } from '../schema/fault.ts';
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from '../schema/names.ts';
import { at, list, record, sameJson, text } from '../store/fields.ts';
import {
  eachItem,
  type Faults,
  labelFaults,
  NONE,
  named,
  needed,
  notNegative,
  oneOf,
  positive,
  present,
} from './check.ts';
import { containerFaults, hostPortFaults } from './container-faults.ts';
import { selectorFaults } from './selector-faults.ts';
import { volumeNames, volumesFaults } from './volume-faults.ts';

type Fields = Readonly<Record<string, unknown>>;

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

const tolerationFaults = (toleration: unknown, path: string): Faults => {
  const { key, operator, value, effect, tolerationSeconds } = record(toleration);
  return [
    ...named(join(path, 'key'), key, qualifiedName),
    ...oneOf(join(path, 'operator'), operator, ['Equal', 'Exists', 'Lt', 'Gt']),
    ...(text(key) === '' && operator !== 'Exists'
      ? [
          invalid(
            join(path, 'operator'),
            operator,
            'operator must be Exists when `key` is empty, which means "match all values and all keys"',
          ),
        ]
      : NONE),
    ...(operator === 'Exists' && text(value) !== ''
      ? [invalid(join(path, 'operator'), toleration, "value must be empty when `operator` is 'Exists'")]
      : named(join(path, 'value'), value, labelValue)),
    ...oneOf(join(path, 'effect'), effect, EFFECTS),
    ...(tolerationSeconds !== undefined && effect !== 'NoExecute'
      ? [invalid(join(path, 'effect'), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")]
      : NONE),
  ];
};

const spreadFaults = (constraint: unknown, path: string): Faults => {
  const { maxSkew, topologyKey, whenUnsatisfiable, labelSelector, minDomains } = record(constraint);
  return [
    ...positive(join(path, 'maxSkew'), maxSkew),
    ...positive(join(path, 'minDomains'), minDomains),
    ...needed(join(path, 'topologyKey'), topologyKey, 'can not be empty'),
    ...(text(whenUnsatisfiable) === ''
      ? [required(join(path, 'whenUnsatisfiable'))]
      : oneOf(join(path, 'whenUnsatisfiable'), whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway'])),
    ...selectorFaults(join(path, 'labelSelector'), labelSelector),
  ];
};

const hostAliasFaults = (alias: unknown, path: string): Faults => {
  const { ip, hostnames } = record(alias);
  return [
    ...(isIP(text(ip)) === 0 ? [invalid(join(path, 'ip'), ip, 'must be a valid IP address')] : NONE),
    ...eachItem(join(path, 'hostnames'), hostnames, (name, here) => named(here, name, dnsSubdomain)),
  ];
};

const dnsFaults = (spec: Fields, path: string): Faults => {
  const { dnsPolicy, dnsConfig } = spec;
  const servers = list(at(dnsConfig, 'nameservers'));
  return [
    ...oneOf(join(path, 'dnsPolicy'), dnsPolicy, ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']),
    ...(dnsPolicy === 'None' && servers.length === 0
      ? [
          required(
            join(path, 'dnsConfig.nameservers'),
            'must provide at least one DNS nameserver when `dnsPolicy` is None',
          ),
        ]
      : NONE),
    ...eachItem(join(path, 'dnsConfig.nameservers'), servers, (server, here) =>
      isIP(text(server)) === 0 ? [invalid(here, server, 'must be a valid IP address')] : NONE,
    ),
  ];
};

const podAffinityFaults = (affinity: Fields, path: string): Faults => {
  const term = (value: unknown, here: string): Faults => [
    ...needed(join(here, 'topologyKey'), at(value, 'topologyKey'), 'can not be empty'),
    ...selectorFaults(join(here, 'labelSelector'), at(value, 'labelSelector')),
  ];
  return [
    ...eachItem(
      join(path, 'requiredDuringSchedulingIgnoredDuringExecution'),
      affinity.requiredDuringSchedulingIgnoredDuringExecution,
      term,
    ),
    ...eachItem(
      join(path, 'preferredDuringSchedulingIgnoredDuringExecution'),
      affinity.preferredDuringSchedulingIgnoredDuringExecution,
      (value, here) => term(at(value, 'podAffinityTerm'), join(here, 'podAffinityTerm')),
    ),
  ];
};

const containersFaults = (spec: Fields, path: string, volumes: ReadonlySet<string>): Faults => {
  const seen = new Set<string>();
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((field) =>
    eachItem(join(path, field), spec[field], (container, here) => {
      const name = text(at(container, 'name'));
      const repeated = name !== '' && seen.has(name);
      seen.add(name);
      return [
        ...containerFaults(container, { path: here, volumes, init: field === 'initContainers' }),
        ...(repeated ? [duplicate(join(here, 'name'), name)] : NONE),
      ];
    }),
  );
};

/**
 * What is wrong with a PodSpec, of a pod or of a template, at `path`; `claims` are the claim templates whose volumes its
 * containers may mount too.
 */
export const podSpecFaults = (value: unknown, path: string, claims: unknown = []): Faults => {
  const spec = record(value);
  const { containers, volumes, nodeSelector, affinity } = spec;
  return [
    ...(list(containers).length === 0 ? [required(join(path, 'containers'))] : NONE),
    ...volumesFaults(volumes, join(path, 'volumes')),
    ...containersFaults(spec, path, volumeNames(volumes, claims)),
    ...hostPortFaults(list(containers), join(path, 'containers')),
    ...oneOf(join(path, 'restartPolicy'), spec.restartPolicy, ['Always', 'OnFailure', 'Never']),
    ...dnsFaults(spec, path),
    ...labelFaults(join(path, 'nodeSelector'), nodeSelector),
    ...notNegative(join(path, 'terminationGracePeriodSeconds'), spec.terminationGracePeriodSeconds),
    ...positive(join(path, 'activeDeadlineSeconds'), spec.activeDeadlineSeconds),
    ...named(join(path, 'serviceAccountName'), spec.serviceAccountName, dnsSubdomain),
    ...named(join(path, 'nodeName'), spec.nodeName, dnsSubdomain),
    ...named(join(path, 'hostname'), spec.hostname, dnsLabel),
    ...named(join(path, 'subdomain'), spec.subdomain, dnsLabel),
    ...named(join(path, 'priorityClassName'), spec.priorityClassName, dnsSubdomain),
    ...eachItem(join(path, 'imagePullSecrets'), spec.imagePullSecrets, (reference, here) =>
      needed(join(here, 'name'), at(reference, 'name')),
    ),
    ...eachItem(join(path, 'tolerations'), spec.tolerations, tolerationFaults),
    ...eachItem(join(path, 'topologySpreadConstraints'), spec.topologySpreadConstraints, spreadFaults),
    ...eachItem(join(path, 'hostAliases'), spec.hostAliases, hostAliasFaults),
    ...present(join(path, 'affinity.podAffinity'), at(affinity, 'podAffinity'), podAffinityFaults),
    ...present(join(path, 'affinity.podAntiAffinity'), at(affinity, 'podAntiAffinity'), podAffinityFaults),
  ];
};

/** What is wrong with a pod template at `path`. */
export const templateFaults = (template: unknown, path: string, claims: unknown = []): Faults => {
  const metadata = at(template, 'metadata');
  return [
    ...labelFaults(join(path, 'metadata.labels'), at(metadata, 'labels')),
    ...Object.keys(record(at(metadata, 'annotations'))).flatMap((key) =>
      named(join(path, 'metadata.annotations'), key.toLowerCase(), qualifiedName),
    ),
    ...podSpecFaults(at(template, 'spec'), join(path, 'spec'), claims),
  ];
};

/** The fields of containers that may change while a pod lives: the image, and resources through the resize subresource. */
const comparable = (containers: unknown): readonly unknown[] =>
  list(containers).map((container) => {
    const { image: _image, resources: _resources, ...rest } = record(container);
    return rest;
  });

/** What is left of a spec without the fields that may change. */
const fixed = (spec: Fields): Fields => {
  const {
    activeDeadlineSeconds: _1,
    tolerations: _2,
    terminationGracePeriodSeconds: _3,
    schedulingGates: _4,
    ...rest
  } = spec;
  const { ephemeralContainers: _5, nodeName: _6, containers, initContainers, ...kept } = rest;
  return { ...kept, containers: comparable(containers), initContainers: comparable(initContainers) };
};

const withoutSeconds = (toleration: unknown): Fields => {
  const { tolerationSeconds: _seconds, ...rest } = record(toleration);
  return rest;
};

const updateFaults = (spec: Fields, old: Fields): Faults => {
  const faults: Faults[] = [];
  if (!sameJson(fixed(spec), fixed(old)))
    faults.push([
      forbidden(
        'spec',
        'pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, ' +
          '`spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing tolerations), ' +
          '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
      ),
    ]);
  if (text(old.nodeName) !== '' && spec.nodeName !== old.nodeName)
    faults.push([forbidden('spec.nodeName', 'may not change once it is set')]);
  const grace = spec.terminationGracePeriodSeconds;
  if (grace !== old.terminationGracePeriodSeconds)
    faults.push([forbidden('spec.terminationGracePeriodSeconds', 'may not be changed')]);
  const tolerations = list(spec.tolerations).map(withoutSeconds);
  if (
    !list(old.tolerations).every((toleration) =>
      tolerations.some((given) => sameJson(given, withoutSeconds(toleration))),
    )
  )
    faults.push([
      forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'),
    ]);
  return faults.flat();
};

/** What is wrong with a v1 Pod, and with what an update changes of it. */
export const podFaults = (pod: unknown, old?: unknown): Faults => [
  ...podSpecFaults(at(pod, 'spec'), 'spec'),
  ...(old === undefined ? NONE : updateFaults(record(at(pod, 'spec')), record(at(old, 'spec')))),
];
