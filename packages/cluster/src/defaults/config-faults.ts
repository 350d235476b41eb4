import { forbidden, invalid, required, tooLong } from '../schema/fault.ts';
import { configKey } from '../schema/names.ts';
import { at, record, sameJson, text } from '../store/fields.ts';
import { type Faults, immutable, NONE } from './check.ts';

/** Bytes that a ConfigMap or Secret may keep: 1 MiB. */
const BYTES = 1024 * 1024;

const keyFaults = (path: string, data: unknown): Faults =>
  Object.keys(record(data)).flatMap((key) => {
    const why = configKey(key);
    return why === '' ? NONE : [invalid(`${path}[${key}]`, key, why)];
  });

/** Bytes behind base64 text. */
const decodedBytes = (value: unknown): number => Buffer.byteLength(text(value), 'base64');

const total = (data: unknown, measure: (value: unknown) => number): number =>
  Object.values(record(data)).reduce<number>((sum, value) => sum + measure(value), 0);

/** Data that may not change once `immutable` has been set, nor may that be taken back. */
const frozenFaults = (object: unknown, old: unknown, fields: readonly string[]): Faults => {
  if (at(old, 'immutable') !== true) return NONE;
  return [
    ...(at(object, 'immutable') === true
      ? NONE
      : [forbidden('immutable', 'field is immutable when `immutable` is set')]),
    ...fields
      .filter((field) => !sameJson(at(object, field) ?? {}, at(old, field) ?? {}))
      .map((field) => forbidden(field, 'field is immutable when `immutable` is set')),
  ];
};

/** What is wrong with a v1 ConfigMap. */
export const configMapFaults = (object: unknown, old?: unknown): Faults => {
  const { data, binaryData } = record(object);
  const bytes = total(data, (value) => Buffer.byteLength(text(value))) + total(binaryData, decodedBytes);
  return [
    ...keyFaults('data', data),
    ...keyFaults('binaryData', binaryData),
    ...Object.keys(record(binaryData))
      .filter((key) => record(data)[key] !== undefined)
      .map((key) => invalid(`data[${key}]`, key, `duplicate of key present in binaryData`)),
    ...(bytes > BYTES ? [tooLong('data', BYTES)] : NONE),
    ...(old === undefined ? NONE : frozenFaults(object, old, ['data', 'binaryData'])),
  ];
};

const isJson = (base64: unknown): boolean => {
  try {
    JSON.parse(Buffer.from(text(base64), 'base64').toString());
    return true;
  } catch {
    return false;
  }
};

const jsonKey = (data: unknown, key: string): Faults => {
  const path = `data[${key}]`;
  if (record(data)[key] === undefined) return [required(path)];
  return isJson(record(data)[key]) ? NONE : [invalid(path, '<secret contents redacted>', 'must be a JSON document')];
};

/** Keys that secrets of a type must have; a value may be empty. */
const TYPE_RULES: Readonly<Record<string, (object: unknown) => Faults>> = {
  'kubernetes.io/tls': (object) =>
    ['tls.crt', 'tls.key'].flatMap((key) =>
      record(at(object, 'data'))[key] === undefined ? [required(`data[${key}]`)] : NONE,
    ),
  'kubernetes.io/dockerconfigjson': (object) => jsonKey(at(object, 'data'), '.dockerconfigjson'),
  'kubernetes.io/dockercfg': (object) => jsonKey(at(object, 'data'), '.dockercfg'),
  'kubernetes.io/basic-auth': (object) =>
    ['username', 'password'].some((key) => record(at(object, 'data'))[key] !== undefined)
      ? NONE
      : [required('data[username]'), required('data[password]')],
  'kubernetes.io/ssh-auth': (object) =>
    text(record(at(object, 'data'))['ssh-privatekey']) === '' ? [required('data[ssh-privatekey]')] : NONE,
  'kubernetes.io/service-account-token': (object) =>
    text(record(at(object, 'metadata', 'annotations'))['kubernetes.io/service-account.name']) === ''
      ? [required('metadata.annotations[kubernetes.io/service-account.name]')]
      : NONE,
};

/** What is wrong with a v1 Secret. Faults never show what it keeps. */
export const secretFaults = (object: unknown, old?: unknown): Faults => {
  const { data, type } = record(object);
  return [
    ...keyFaults('data', data),
    ...(total(data, decodedBytes) > BYTES ? [tooLong('data', BYTES)] : NONE),
    ...(TYPE_RULES[text(type)]?.(object) ?? NONE),
    ...(old === undefined
      ? NONE
      : [...immutable('type', type, at(old, 'type')), ...frozenFaults(object, old, ['data'])]),
  ];
};
