import type { StatusBody } from '@osm/kube';

/** What a webhook said besides its verdict, collected before the request was refused. */
export interface Remarks {
  readonly warnings: readonly string[];
  /** Keys are prefixed with the webhook's name. */
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/**
 * Admission refuses the request. `status` is the answer to the client: the one of the webhook that denied, or that of the failure
 * to call a webhook that must be called.
 */
export class AdmissionDenied extends Error {
  readonly status: StatusBody;
  /** Warnings that the client is to see all the same. */
  readonly warnings: readonly string[];
  constructor(status: StatusBody, warnings: readonly string[] = []) {
    super(status.message);
    this.name = 'AdmissionDenied';
    this.status = status;
    this.warnings = warnings;
  }
}

/** A webhook could not be asked, or its answer is none: what `failurePolicy` is about. */
export class WebhookFailure extends Error {
  override readonly name = 'WebhookFailure';
}

const failure = (code: number, reason: string, message: string, details?: StatusBody['details']): StatusBody => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  message,
  ...(reason === '' ? {} : { reason }),
  ...(details === undefined ? {} : { details }),
  code,
});

/** A denial in the webhook's own words, with its code and reason. A code below 400 is no denial's and becomes 400. */
export const denial = (
  webhook: string,
  given: { readonly message: string; readonly reason: string; readonly code: number; readonly details?: unknown },
): StatusBody => {
  const by = `admission webhook "${webhook}" denied the request`;
  const why = given.message === '' ? given.reason : given.message;
  const details = given.details as StatusBody['details'];
  const code = given.code >= 400 && given.code <= 599 ? given.code : 400;
  return failure(code, given.reason, why === '' ? `${by} without explanation` : `${by}: ${why}`, details);
};

/** A webhook with `failurePolicy: Fail` failed: an internal error, with the name of the webhook and its configuration. */
export const callFailed = (webhook: string, configuration: string, why: string): StatusBody => {
  const message = `failed calling webhook "${webhook}": ${why} (configuration "${configuration}")`;
  return failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
};

/** A dry run meets a webhook that may do more than answer. */
export const dryRunUnsupported = (webhook: string): StatusBody =>
  failure(400, 'BadRequest', `admission webhook "${webhook}" does not support dry run`);

/** A match condition cannot be evaluated and the webhook must not be left out. */
export const conditionFailed = (webhook: string, why: string): StatusBody =>
  failure(403, 'Forbidden', `admission webhook "${webhook}" must not be left out: ${why}`);
