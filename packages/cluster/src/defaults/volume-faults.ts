import { forbidden, invalid, join, required } from '../schema/fault.ts';
import { configKey, dnsLabel, dnsSubdomain } from '../schema/names.ts';
import { parseQuantity } from '../schema/quantity.ts';
import { at, list, record, text } from '../store/fields.ts';
import {
  between,
  eachItem,
  type Faults,
  NONE,
  needed,
  neededName,
  oneOf,
  present,
  setFields,
  unique,
} from './check.ts';

type Fields = Readonly<Record<string, unknown>>;

const HOST_PATH_TYPES = [
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

const modeFaults = (path: string, mode: unknown): Faults =>
  between(path, mode, 0, 0o777).map((fault) => ({
    ...fault,
    message: fault.message.replace(/must be .*/, 'must be a number between 0 and 0777 (octal), both inclusive'),
  }));

const relativeFaults = (path: string, value: unknown): Faults => {
  const given = text(value);
  if (given === '') return [required(path)];
  if (given.startsWith('/')) return [invalid(path, given, 'must be a relative path')];
  return given.split('/').includes('..') ? [invalid(path, given, "must not contain '..'")] : NONE;
};

const itemFaults = (entry: unknown, path: string): Faults => {
  const { key, path: file, mode } = record(entry);
  return [
    ...neededName(join(path, 'key'), key, configKey),
    ...relativeFaults(join(path, 'path'), file),
    ...modeFaults(join(path, 'mode'), mode),
  ];
};

const downwardFaults = (entry: unknown, path: string): Faults => {
  const { path: file, mode } = record(entry);
  const given = setFields(entry, ['fieldRef', 'resourceFieldRef']);
  return [
    ...relativeFaults(join(path, 'path'), file),
    ...(given.length === 0 ? [required(path, 'one of fieldRef and resourceFieldRef is required')] : NONE),
    ...(given.length > 1
      ? [invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously')]
      : NONE),
    ...modeFaults(join(path, 'mode'), mode),
  ];
};

const PROJECTIONS = [
  'secret',
  'configMap',
  'downwardAPI',
  'serviceAccountToken',
  'clusterTrustBundle',
  'podCertificate',
];

const tokenFaults = ({ path: file, expirationSeconds }: Fields, path: string): Faults => [
  ...relativeFaults(join(path, 'path'), file),
  ...(typeof expirationSeconds === 'number' && expirationSeconds < 600
    ? [invalid(join(path, 'expirationSeconds'), expirationSeconds, 'may not specify a duration less than 10 minutes')]
    : NONE),
];

const projectionFaults = (projection: unknown, path: string): Faults => {
  const given = setFields(projection, PROJECTIONS);
  if (given.length === 0) return [required(path, 'must specify a volume projection source')];
  if (given.length > 1) return [forbidden(join(path, given[1] ?? ''), 'may not specify more than 1 volume type')];
  const { secret, configMap, downwardAPI, serviceAccountToken } = record(projection);
  const files = (source: Fields, here: string): Faults => [
    ...neededName(join(here, 'name'), source.name, dnsSubdomain),
    ...eachItem(join(here, 'items'), source.items, itemFaults),
  ];
  return [
    ...present(join(path, 'secret'), secret, files),
    ...present(join(path, 'configMap'), configMap, files),
    ...present(join(path, 'downwardAPI'), downwardAPI, ({ items }, here) =>
      eachItem(join(here, 'items'), items, downwardFaults),
    ),
    ...present(join(path, 'serviceAccountToken'), serviceAccountToken, tokenFaults),
  ];
};

const hostPathFaults = ({ path: place, type }: Fields, path: string): Faults => [
  ...needed(join(path, 'path'), place),
  ...(text(place).split('/').includes('..') ? [invalid(join(path, 'path'), place, "must not contain '..'")] : NONE),
  ...oneOf(join(path, 'type'), type, HOST_PATH_TYPES),
];

const emptyDirFaults = ({ sizeLimit }: Fields, path: string): Faults => {
  const size = parseQuantity(sizeLimit);
  return size !== undefined && size.nanos < 0n
    ? [invalid(join(path, 'sizeLimit'), sizeLimit, 'SizeLimit field must be a valid resource quantity')]
    : NONE;
};

const SOURCE_FAULTS: Readonly<Record<string, (source: Fields, path: string) => Faults>> = {
  emptyDir: emptyDirFaults,
  hostPath: hostPathFaults,
  secret: ({ secretName, defaultMode, items }, path) => [
    ...needed(join(path, 'secretName'), secretName),
    ...modeFaults(join(path, 'defaultMode'), defaultMode),
    ...eachItem(join(path, 'items'), items, itemFaults),
  ],
  configMap: ({ name, defaultMode, items }, path) => [
    ...needed(join(path, 'name'), name),
    ...modeFaults(join(path, 'defaultMode'), defaultMode),
    ...eachItem(join(path, 'items'), items, itemFaults),
  ],
  downwardAPI: ({ defaultMode, items }, path) => [
    ...modeFaults(join(path, 'defaultMode'), defaultMode),
    ...eachItem(join(path, 'items'), items, downwardFaults),
  ],
  projected: ({ defaultMode, sources }, path) => [
    ...modeFaults(join(path, 'defaultMode'), defaultMode),
    ...eachItem(join(path, 'sources'), sources, projectionFaults),
  ],
  persistentVolumeClaim: ({ claimName }, path) => needed(join(path, 'claimName'), claimName),
};

const volumeFault = (volume: unknown, path: string): Faults => {
  const { name, ...sources } = record(volume);
  const given = Object.keys(sources).filter((source) => sources[source] !== undefined && sources[source] !== null);
  return [
    ...neededName(join(path, 'name'), name, dnsLabel),
    ...(given.length === 0 ? [required(path, 'must specify a volume type')] : NONE),
    ...given.slice(1).map((source) => forbidden(join(path, source), 'may not specify more than 1 volume type')),
    ...given.flatMap((source) => present(join(path, source), sources[source], SOURCE_FAULTS[source] ?? (() => NONE))),
  ];
};

/** What is wrong with the volumes of a pod. */
export const volumesFaults = (volumes: unknown, path: string): Faults => [
  ...eachItem(path, volumes, volumeFault),
  ...unique(path, list(volumes), 'name'),
];

/** The names that mounts may refer to: the pod's volumes and what its set of claims gives it. */
export const volumeNames = (volumes: unknown, claims: unknown = []): ReadonlySet<string> =>
  new Set([
    ...list(volumes).map((volume) => text(at(volume, 'name'))),
    ...list(claims).map((claim) => text(at(claim, 'metadata', 'name'))),
  ]);
