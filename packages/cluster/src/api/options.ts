import { isRecord, text } from '../store/fields.ts';
import { badRequest } from './errors.ts';
import type { RequestContext } from './state.ts';

/** What a client says about unknown fields: refuse them, warn of them, or drop them silently. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** Options of a write, from the query. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  /** Who owns the fields that this write sets. */
  readonly manager: string;
  readonly force: boolean;
}

/** Reads `dryRun`: only `All` exists. Throws BadRequest for anything else. */
export const readDryRun = (values: readonly unknown[]): boolean => {
  const wrong = values.find((value) => value !== 'All' && value !== '');
  if (wrong !== undefined) throw badRequest(`dryRun: Unsupported value: "${String(wrong)}": supported values: "All"`);
  return values.includes('All');
};

/** The options of a create, update or patch. Throws BadRequest for values that do not exist. */
export const readWriteOptions = ({ query, userAgent }: RequestContext): WriteOptions => {
  const validation = query.get('fieldValidation') || 'Warn';
  if (validation !== 'Strict' && validation !== 'Warn' && validation !== 'Ignore')
    throw badRequest(
      `fieldValidation: Unsupported value: "${validation}": supported values: "Ignore", "Strict", "Warn"`,
    );
  const manager = query.get('fieldManager') || userAgent || 'unknown';
  if (manager.length > 128) throw badRequest('fieldManager: Invalid value: must be no more than 128 characters');
  return {
    dryRun: readDryRun(query.getAll('dryRun')),
    fieldValidation: validation,
    manager,
    force: query.get('force') === 'true',
  };
};

/** Options of a delete, from body and query. */
export interface DeleteRequest {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds: number | undefined;
  readonly propagation: 'Foreground' | 'Background' | 'Orphan' | undefined;
  readonly uid: string;
  readonly resourceVersion: string;
}

const readGrace = (value: unknown): number | undefined => {
  if (value === undefined || value === null || value === '') return undefined;
  const seconds = Number(value);
  if (!Number.isSafeInteger(seconds)) throw badRequest(`gracePeriodSeconds: Invalid value: ${String(value)}`);
  // Kubernetes reads a negative grace period as one second: an immediate delete must be asked for by 0.
  return seconds < 0 ? 1 : seconds;
};

/** The options of a delete; the body wins over the query. Throws BadRequest for values that do not exist. */
export const readDeleteOptions = (body: unknown, query: URLSearchParams): DeleteRequest => {
  if (body !== undefined && !isRecord(body)) throw badRequest('the body of a delete must be DeleteOptions');
  const options = body ?? {};
  const preconditions = isRecord(options.preconditions) ? options.preconditions : {};
  const orphan = options.orphanDependents ?? query.get('orphanDependents');
  const policy =
    text(options.propagationPolicy) ||
    query.get('propagationPolicy') ||
    (orphan === true || orphan === 'true' ? 'Orphan' : orphan === false || orphan === 'false' ? 'Background' : '');
  if (policy !== '' && policy !== 'Foreground' && policy !== 'Background' && policy !== 'Orphan')
    throw badRequest(
      `propagationPolicy: Unsupported value: "${policy}": supported values: "Foreground", "Background", "Orphan"`,
    );
  const dryRun = Array.isArray(options.dryRun) ? options.dryRun : query.getAll('dryRun');
  return {
    dryRun: readDryRun(dryRun),
    gracePeriodSeconds: readGrace(options.gracePeriodSeconds ?? query.get('gracePeriodSeconds')),
    propagation: policy === '' ? undefined : policy,
    uid: text(preconditions.uid),
    resourceVersion: text(preconditions.resourceVersion),
  };
};
