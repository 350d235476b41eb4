import type { StatusBody } from '@osm/kube';
import type { FieldFault } from '../types.ts';

type Details = NonNullable<StatusBody['details']>;

/** A request that fails: the `metav1.Status` to answer with, and headers that go with it. */
export class StatusError extends Error {
  readonly body: StatusBody;
  constructor(code: number, reason: string, message: string, details?: Details) {
    super(message);
    this.name = 'StatusError';
    this.body = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      message,
      reason,
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

/** What an error says about the kind it concerns. */
export interface Subject {
  readonly group: string;
  readonly resource: string;
}

/** `deployments.apps`, or `pods` in the core group. */
export const qualified = (name: string, group: string): string => (group === '' ? name : `${name}.${group}`);

const detailsOf = ({ group, resource }: Subject, name: string): Details => ({
  ...(name === '' ? {} : { name }),
  ...(group === '' ? {} : { group }),
  kind: resource,
});

/** The request itself makes no sense. */
export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);

/** Credentials that prove nothing. */
export const unauthorized = (): StatusError => new StatusError(401, 'Unauthorized', 'Unauthorized');

/** The caller may not do it, or admission does not let him; `why` follows the name. */
export const forbidden = (subject: Subject, name: string, why: string): StatusError => {
  const what = qualified(subject.resource, subject.group);
  const message = name === '' ? `${what} is forbidden: ${why}` : `${what} "${name}" is forbidden: ${why}`;
  return new StatusError(403, 'Forbidden', message, detailsOf(subject, name));
};

/** No object of this name. */
export const notFound = (subject: Subject, name: string): StatusError =>
  new StatusError(
    404,
    'NotFound',
    `${qualified(subject.resource, subject.group)} "${name}" not found`,
    detailsOf(subject, name),
  );

/** No such path or resource type. */
export const unknownPath = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource');

/** The path exists, the verb does not. */
export const methodNotAllowed = (): StatusError =>
  new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');

/** The client takes no form that the server has. */
export const notAcceptable = (): StatusError =>
  new StatusError(
    406,
    'NotAcceptable',
    'only the following media types are accepted: application/json, application/json;as=Table;g=meta.k8s.io;v=v1, ' +
      'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  );

/** The name is taken. */
export const alreadyExists = (subject: Subject, name: string): StatusError =>
  new StatusError(
    409,
    'AlreadyExists',
    `${qualified(subject.resource, subject.group)} "${name}" already exists`,
    detailsOf(subject, name),
  );

/** The object is not in the state that the request assumes. */
export const conflict = (subject: Subject, name: string, why: string, causes?: Details['causes']): StatusError =>
  new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(subject.resource, subject.group)} "${name}": ${why}`,
    { ...detailsOf(subject, name), ...(causes === undefined ? {} : { causes }) },
  );

/** The conflict of optimistic locking: the writer's resourceVersion is not the newest. */
export const modified = (subject: Subject, name: string): StatusError =>
  conflict(
    subject,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );

/** History or a continuation that is gone: list again. */
export const expired = (message: string): StatusError => new StatusError(410, 'Expired', message);

/** A body above the limit, in bytes. */
export const tooLarge = (limit: number): StatusError =>
  new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);

/** A body of a type the server does not read. */
export const unsupportedMediaType = (got: string, accepted: readonly string[]): StatusError =>
  new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format (${got || 'no Content-Type'}) - ` +
      `accepted media types include: ${accepted.join(', ')}`,
  );

/** Not now: try again later. */
export const tooManyRequests = (message: string, causes?: Details['causes']): StatusError =>
  new StatusError(429, 'TooManyRequests', message, causes === undefined ? undefined : { causes });

/** A fault of the server or of something it depends on. */
export const internalError = (message: string): StatusError =>
  new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });

/** Something that the request needs is not running. */
export const unavailable = (message: string): StatusError => new StatusError(503, 'ServiceUnavailable', message);

/** A list that asks for a state the server has not reached. */
export const resourceVersionTooLarge = (asked: number, current: number): StatusError =>
  new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

const REASON_TEXT: Readonly<Record<string, string>> = {
  FieldValueInvalid: 'Invalid value',
  FieldValueRequired: 'Required value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueNotFound: 'Not found',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTypeInvalid: 'Invalid value',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
};

const faultText = ({ reason, message }: FieldFault): string => {
  const prefix = REASON_TEXT[reason] ?? 'Invalid value';
  return message.startsWith(prefix) ? message : `${prefix}: ${message}`;
};

/** An object that breaks rules of its kind. */
export const invalid = (
  kind: { readonly group: string; readonly kind: string },
  name: string,
  faults: readonly FieldFault[],
): StatusError => {
  const texts = faults.map((fault) => `${fault.path}: ${faultText(fault)}`);
  const all = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  return new StatusError(422, 'Invalid', `${qualified(kind.kind, kind.group)} "${name}" is invalid: ${all}`, {
    ...(name === '' ? {} : { name }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.kind,
    causes: faults.map((fault) => ({ reason: fault.reason, message: faultText(fault), field: fault.path })),
  });
};
