import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { StoreUnavailable } from '../store/index.ts';
import { internalError, StatusError } from './errors.ts';

const compress = promisify(gzip);

/** Answers shorter than this are not worth compressing (the figure of Kubernetes). */
const COMPRESS_FROM = 128 * 1024;

/** An answer, ready to be written. */
export interface Answer {
  readonly code: number;
  readonly contentType: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A JSON answer. */
export const json = (value: object | string, code = 200): Answer => ({
  code,
  contentType: 'application/json',
  text: typeof value === 'string' ? value : JSON.stringify(value),
});

/** A plain-text answer. */
export const plain = (text: string, code = 200): Answer => ({
  code,
  contentType: 'text/plain; charset=utf-8',
  text,
});

/** Writes an answer, compressed where the client takes it and it pays. */
export const send = async (
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  warnings: readonly string[],
): Promise<void> => {
  if (response.headersSent || response.destroyed) {
    response.end();
    return;
  }
  const headers: Record<string, string | string[] | number> = {
    'content-type': answer.contentType,
    'cache-control': 'no-cache, private',
    ...answer.headers,
  };
  if (warnings.length > 0) headers.warning = warnings.map(warningText);
  let bytes: Uint8Array = Buffer.from(answer.text);
  if (bytes.length >= COMPRESS_FROM && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
    bytes = await compress(bytes, { level: 1 });
    headers['content-encoding'] = 'gzip';
    headers.vary = 'Accept-Encoding';
  }
  headers['content-length'] = bytes.length;
  response.writeHead(answer.code, headers);
  response.end(request.method === 'HEAD' ? undefined : bytes);
};

/** One Warning header (RFC 7234 §5.5) in the only form clients of Kubernetes read: code 299, no agent. */
const warningText = (message: string): string => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: headers must not hold any.
  const clean = message.replace(/[\u0000-\u001f\u007f]/g, ' ').slice(0, 1024);
  return `299 - "${clean.replace(/[\\"]/g, '\\$&')}"`;
};

/** The Status that an error is answered with. Unexpected errors keep their details to the log. */
export const statusOf = (error: unknown): StatusError => {
  if (error instanceof StatusError) return error;
  if (error instanceof StoreUnavailable) return internalError(error.message);
  return internalError(error instanceof Error ? error.message : String(error));
};

/** The answer to a request that failed. */
export const failure = (error: unknown): Answer => {
  const { body } = statusOf(error);
  const retry = body.details?.retryAfterSeconds;
  return {
    ...json({ ...body, metadata: {} }, body.code),
    ...(retry === undefined ? {} : { headers: { 'retry-after': String(retry) } }),
  };
};
