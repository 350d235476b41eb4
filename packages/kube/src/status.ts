import { ApiError, type StatusBody } from './types.ts';

/** Status reasons by HTTP code, for answers that carry no Status (`meta/v1 StatusReason`). */
const REASONS: Readonly<Record<number, string>> = Object.freeze({
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
});

const SHOWN_CHARACTERS = 512;

/** The error of a failed answer: its Status when it is one, else what its code and text tell. */
export function statusError(code: number, text: string, request: string): ApiError {
  const status = readStatus(text);
  if (status) return fromStatus(status, code, request);
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
  return new ApiError(
    code,
    REASONS[code] ?? 'Unknown',
    `${request}: HTTP ${code}${shown === '' ? '' : `: ${shown.trim()}`}`,
  );
}

/** The error of a Status; `code` serves when the Status has none. */
export function fromStatus(status: StatusBody, code: number, request: string): ApiError {
  const own = typeof status.code === 'number' ? status.code : code;
  const reason = status.reason || (REASONS[own] ?? 'Unknown');
  return new ApiError(own, reason, status.message || `${request}: HTTP ${own} ${reason}`, status);
}

/** The error of an answer that is none: not JSON, or not of the shape asked for. */
export function invalidAnswer(code: number, fault: string, request: string): ApiError {
  return new ApiError(code, 'InvalidAnswer', `${request}: ${fault}`);
}

/** The error of an answer that is larger than its bound. */
export function answerTooLarge(code: number, what: string, bytes: number, request: string): ApiError {
  return new ApiError(code, 'AnswerTooLarge', `${request}: ${what} is larger than ${bytes} bytes`);
}

/** True when the client itself was closed: nothing will ever be answered again. */
export function isClosed(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'Closed';
}

/** True when the history that a watch or a page wanted is gone, so that only a new list helps. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 410 || error.reason === 'Expired' || error.reason === 'Gone');
}

function readStatus(text: string): StatusBody | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && (value as StatusBody).kind === 'Status'
      ? (value as StatusBody)
      : undefined;
  } catch {
    return undefined;
  }
}
