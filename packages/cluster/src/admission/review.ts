import { isRecord, number, record, text } from '../store/fields.ts';
import { WebhookFailure } from './denied.ts';
import type { AdmissionRequest } from './request.ts';

const API_VERSION = 'admission.k8s.io/v1';
const KIND = 'AdmissionReview';

/** What a webhook answers. */
export interface AdmissionResponse {
  readonly allowed: boolean;
  readonly status: {
    readonly message: string;
    readonly reason: string;
    readonly code: number;
    readonly details?: unknown;
  };
  /** Operations of a JSON patch; `undefined` without one. */
  readonly patch: unknown;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/** The AdmissionReview that is sent. Throws WebhookFailure when the webhook does not read the only version there is. */
export const writeReview = (request: AdmissionRequest, versions: readonly string[]): string => {
  if (!versions.includes('v1'))
    throw new WebhookFailure(
      `webhook does not accept known AdmissionReview versions (v1): ${JSON.stringify(versions)}`,
    );
  return JSON.stringify({ kind: KIND, apiVersion: API_VERSION, request });
};

const MAX_WARNINGS = 32;
const MAX_WARNING_LENGTH = 256;
const MAX_WARNINGS_LENGTH = 4096;

/** Reads the AdmissionReview that came back to the request of `uid`. Throws WebhookFailure for anything else. */
export const readReview = (body: string, uid: string, mutating: boolean): AdmissionResponse => {
  const review = parse(body);
  const { apiVersion, kind } = review;
  if (apiVersion !== API_VERSION || kind !== KIND)
    throw new WebhookFailure(
      `expected webhook response of ${API_VERSION}, Kind=${KIND}, got ${text(apiVersion)}, Kind=${text(kind)}`,
    );
  if (!isRecord(review.response)) throw new WebhookFailure('webhook response was absent');
  const { response } = review;
  if (response.uid !== uid)
    throw new WebhookFailure(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(text(response.uid))}`);
  const { code, message, reason, details } = record(response.status);
  return {
    allowed: response.allowed === true,
    status: {
      code: number(code),
      message: text(message),
      reason: text(reason),
      ...(isRecord(details) ? { details } : {}),
    },
    patch: readPatch(response, mutating),
    warnings: readWarnings(response.warnings),
    auditAnnotations: readAnnotations(response.auditAnnotations),
  };
};

const parse = (body: string): Readonly<Record<string, unknown>> => {
  try {
    return record(JSON.parse(body));
  } catch {
    throw new WebhookFailure('the answer of the webhook is not JSON');
  }
};

const readPatch = ({ patch, patchType }: Readonly<Record<string, unknown>>, mutating: boolean): unknown => {
  const none = text(patch) === '';
  if (none && text(patchType) === '') return undefined;
  if (!mutating) throw new WebhookFailure('validating webhook may not return response.patch or response.patchType');
  if (none) throw new WebhookFailure('webhook returned response.patchType but not response.patch');
  if (text(patchType) === '') throw new WebhookFailure('webhook returned response.patch but not response.patchType');
  if (patchType !== 'JSONPatch')
    throw new WebhookFailure(`webhook returned invalid response.patchType of ${JSON.stringify(patchType)}`);
  try {
    return JSON.parse(Buffer.from(text(patch), 'base64').toString());
  } catch {
    throw new WebhookFailure('response.patch is not JSON in base64');
  }
};

/** Warnings within the bounds of a response header. */
const readWarnings = (value: unknown): readonly string[] => {
  if (!Array.isArray(value)) return [];
  let left = MAX_WARNINGS_LENGTH;
  const warnings: string[] = [];
  for (const item of value.slice(0, MAX_WARNINGS)) {
    if (typeof item !== 'string') continue;
    const warning = item.slice(0, Math.min(MAX_WARNING_LENGTH, left));
    if (warning === '') continue;
    left -= warning.length;
    warnings.push(warning);
  }
  return warnings;
};

const MAX_ANNOTATIONS = 64;

const readAnnotations = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(record(value))
      .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
      .slice(0, MAX_ANNOTATIONS)
      .map(([key, item]) => [key, item.slice(0, MAX_WARNINGS_LENGTH)]),
  );
