/** `admission.k8s.io/v1 AdmissionRequest`, as far as the webhooks read it. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly resource?: { readonly group: string; readonly version: string; readonly resource: string };
  readonly name?: string;
  readonly namespace?: string;
  readonly operation: string;
  readonly dryRun?: boolean;
  readonly object?: unknown;
}

/** What a webhook decides; the server adds the request's uid. */
export interface AdmissionVerdict {
  readonly allowed: boolean;
  /** RFC 6902 operations that turn the request's object into the wanted one. */
  readonly patch?: readonly object[];
  /** For a denial: HTTP status and the text that the API server shows to the caller. */
  readonly status?: { readonly code: number; readonly message: string; readonly reason?: string };
  readonly warnings?: readonly string[];
}

/** A verdict that lets the object pass unchanged. */
export const ALLOW: AdmissionVerdict = Object.freeze({ allowed: true });

/** A denial; `message` names the object and what to do. */
export function deny(code: number, message: string): AdmissionVerdict {
  const reason = code === 400 ? 'BadRequest' : code === 422 ? 'Invalid' : code === 403 ? 'Forbidden' : 'InternalError';
  return { allowed: false, status: { code, message, reason } };
}

/** A body that is no admission review; `status` is the HTTP answer. */
export class ReviewError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'ReviewError';
    this.status = status;
  }
}

/** Parses the body of a webhook call. Throws ReviewError (400) unless it is an `admission.k8s.io/v1` review. */
export function readReview(body: string): AdmissionRequest {
  let review: unknown;
  try {
    review = JSON.parse(body);
  } catch {
    throw new ReviewError(400, 'the body is not JSON');
  }
  const { apiVersion, kind, request } = (review ?? {}) as { apiVersion?: string; kind?: string; request?: unknown };
  if (kind !== 'AdmissionReview' || apiVersion !== 'admission.k8s.io/v1') {
    throw new ReviewError(400, 'the body is not an AdmissionReview of admission.k8s.io/v1');
  }
  const { uid, operation } = (request ?? {}) as { uid?: unknown; operation?: unknown };
  if (typeof uid !== 'string' || uid === '' || typeof operation !== 'string') {
    throw new ReviewError(400, 'the AdmissionReview carries no request');
  }
  return request as AdmissionRequest;
}

/** The answer to a review: `admission.k8s.io/v1 AdmissionReview` with the verdict under the request's uid. */
export function writeReview(uid: string, verdict: AdmissionVerdict): object {
  const { patch, ...rest } = verdict;
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      ...rest,
      ...(patch === undefined || patch.length === 0
        ? {}
        : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }),
    },
  };
}
