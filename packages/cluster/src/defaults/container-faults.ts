import { duplicate, forbidden, invalid, item, join, notFound, required } from '../schema/fault.ts';
import { configKey, dnsLabel, dnsSubdomain, environmentName, portName } from '../schema/names.ts';
import { parseQuantity } from '../schema/quantity.ts';
import { at, list, record, text } from '../store/fields.ts';
import {
  amountFaults,
  eachItem,
  type Faults,
  NONE,
  named,
  needed,
  neededName,
  oneOf,
  portNumber,
  present,
  setFields,
  unique,
} from './check.ts';
import { hookFaults, probeFaults } from './probe-faults.ts';

const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];

/** Fields of a pod that its containers may be told by environment. */
const TOLD =
  /^(metadata\.(name|namespace|uid|(labels|annotations)\['[^']+'\])|spec\.(nodeName|serviceAccountName)|status\.(hostIP|podIP|hostIPs|podIPs))$/;

const keyFaults = (path: string, reference: unknown): Faults =>
  present(path, reference, ({ key }, here) => neededName(join(here, 'key'), key, configKey));

const sourceFaults = (source: unknown, path: string): Faults => {
  const given = setFields(source, SOURCES);
  if (given.length === 0)
    return [invalid(path, '', `must specify one of: ${SOURCES.map((name) => `\`${name}\``).join(', ')}`)];
  if (given.length > 1) return [invalid(path, '', 'may not have more than one field specified at a time')];
  const { fieldRef, configMapKeyRef, secretKeyRef } = record(source);
  return [
    ...present(join(path, 'fieldRef'), fieldRef, ({ fieldPath }, here) =>
      text(fieldPath) === '' || TOLD.test(text(fieldPath))
        ? needed(join(here, 'fieldPath'), fieldPath)
        : [invalid(join(here, 'fieldPath'), fieldPath, 'error converting fieldPath: field label not supported')],
    ),
    ...keyFaults(join(path, 'configMapKeyRef'), configMapKeyRef),
    ...keyFaults(join(path, 'secretKeyRef'), secretKeyRef),
  ];
};

const variableFaults = (variable: unknown, path: string): Faults => {
  const { name, value, valueFrom } = record(variable);
  const here = join(path, 'valueFrom');
  return [
    ...neededName(join(path, 'name'), name, environmentName),
    ...present(here, valueFrom, (source) =>
      text(value) === ''
        ? sourceFaults(source, here)
        : [invalid(here, '', 'may not be specified when `value` is not empty')],
    ),
  ];
};

const environmentFaults = (source: unknown, path: string): Faults => {
  const given = setFields(source, ['configMapRef', 'secretRef']);
  if (given.length === 0) return [invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`')];
  if (given.length > 1) return [invalid(path, '', 'may not have more than one field specified at a time')];
  return given.flatMap((field) => neededName(join(join(path, field), 'name'), at(source, field, 'name'), dnsSubdomain));
};

const portFaults = (port: unknown, path: string): Faults => {
  const { containerPort, hostPort, name, protocol } = record(port);
  return [
    ...(containerPort === undefined || containerPort === 0
      ? [required(join(path, 'containerPort'))]
      : portNumber(join(path, 'containerPort'), containerPort)),
    ...(hostPort === 0 ? NONE : portNumber(join(path, 'hostPort'), hostPort)),
    ...named(join(path, 'name'), name, portName),
    ...oneOf(join(path, 'protocol'), protocol, ['TCP', 'UDP', 'SCTP']),
  ];
};

const mountFaults = (mount: unknown, path: string, volumes: ReadonlySet<string>): Faults => {
  const { name, mountPath, subPath, subPathExpr } = record(mount);
  const inner = text(subPath);
  return [
    ...needed(join(path, 'name'), name),
    ...(text(name) === '' || volumes.has(text(name)) ? NONE : [notFound(join(path, 'name'), name)]),
    ...needed(join(path, 'mountPath'), mountPath),
    ...(inner.startsWith('/') ? [invalid(join(path, 'subPath'), inner, 'must be a relative path')] : NONE),
    ...(inner.split('/').includes('..') ? [invalid(join(path, 'subPath'), inner, "must not contain '..'")] : NONE),
    ...(inner !== '' && text(subPathExpr) !== ''
      ? [invalid(join(path, 'subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive')]
      : NONE),
  ];
};

const mountsFaults = (mounts: unknown, path: string, volumes: ReadonlySet<string>): Faults => {
  const seen = new Set<string>();
  return eachItem(path, mounts, (mount, here) => {
    const place = text(at(mount, 'mountPath'));
    const repeated = place !== '' && seen.has(place);
    seen.add(place);
    return [
      ...mountFaults(mount, here, volumes),
      ...(repeated ? [invalid(join(here, 'mountPath'), place, 'must be unique')] : NONE),
    ];
  });
};

const resourceFaults = (resources: unknown, path: string): Faults => {
  const limits = record(at(resources, 'limits'));
  const requests = record(at(resources, 'requests'));
  return [
    ...amountFaults(join(path, 'limits'), limits),
    ...amountFaults(join(path, 'requests'), requests),
    ...Object.entries(requests).flatMap(([name, asked]) => {
      const least = parseQuantity(asked);
      const most = parseQuantity(limits[name]);
      if (least === undefined || most === undefined || least.nanos <= most.nanos) return NONE;
      return [
        invalid(
          join(path, 'requests'),
          asked,
          `must be less than or equal to ${name} limit of ${String(limits[name])}`,
        ),
      ];
    }),
  ];
};

/** Where a container stands, and what it may rely on. */
export interface ContainerPlace {
  readonly path: string;
  readonly volumes: ReadonlySet<string>;
  readonly init: boolean;
}

const probesFaults = (container: Readonly<Record<string, unknown>>, path: string): Faults =>
  (['livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((name) =>
    present(join(path, name), container[name], (probe, here) => probeFaults(probe, here, name !== 'readinessProbe')),
  );

/** An init container that runs to its end has nothing to probe; one that stays (a sidecar) may have all that others have. */
const initFaults = (container: Readonly<Record<string, unknown>>, path: string): Faults =>
  container.restartPolicy === 'Always'
    ? probesFaults(container, path)
    : setFields(container, ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe']).map((name) =>
        forbidden(join(path, name), 'may not be set for init containers without restartPolicy=Always'),
      );

/** What is wrong with one container. */
export const containerFaults = (value: unknown, { path, volumes, init }: ContainerPlace): Faults => {
  const container = record(value);
  const { name, image, ports, env, envFrom, volumeMounts, resources, lifecycle } = container;
  return [
    ...neededName(join(path, 'name'), name, dnsLabel),
    ...(text(image).trim() === '' ? [required(join(path, 'image'))] : NONE),
    ...(text(image) !== text(image).trim() && text(image).trim() !== ''
      ? [invalid(join(path, 'image'), image, 'must not have leading or trailing whitespace')]
      : NONE),
    ...eachItem(join(path, 'ports'), ports, portFaults),
    ...unique(join(path, 'ports'), list(ports), 'name'),
    ...eachItem(join(path, 'env'), env, variableFaults),
    ...eachItem(join(path, 'envFrom'), envFrom, environmentFaults),
    ...mountsFaults(volumeMounts, join(path, 'volumeMounts'), volumes),
    ...resourceFaults(resources, join(path, 'resources')),
    ...oneOf(join(path, 'imagePullPolicy'), container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...oneOf(join(path, 'terminationMessagePolicy'), container.terminationMessagePolicy, [
      'File',
      'FallbackToLogsOnError',
    ]),
    ...(init ? initFaults(container, path) : probesFaults(container, path)),
    ...present(join(path, 'lifecycle'), lifecycle, ({ postStart, preStop }, here) => [
      ...present(join(here, 'postStart'), postStart, hookFaults),
      ...present(join(here, 'preStop'), preStop, hookFaults),
    ]),
  ];
};

/** Ports of the host that more than one container asks for. */
export const hostPortFaults = (containers: readonly unknown[], path: string): Faults => {
  const seen = new Set<string>();
  return containers.flatMap((container, index) =>
    eachItem(join(item(path, index), 'ports'), at(container, 'ports'), (port, here) => {
      const { hostPort, protocol, hostIP } = record(port);
      if (typeof hostPort !== 'number' || hostPort === 0) return NONE;
      const key = `${text(protocol)}/${text(hostIP)}/${hostPort}`;
      const repeated = seen.has(key);
      seen.add(key);
      return repeated ? [duplicate(join(here, 'hostPort'), key)] : NONE;
    }),
  );
};
