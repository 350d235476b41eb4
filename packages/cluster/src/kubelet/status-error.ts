import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { StatusBody } from '@osm/kube';

/** A request that the kubelet refuses; `code` is the HTTP status. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: number;
  readonly reason: string;

  constructor(code: 400 | 404 | 405 | 500 | 501, message: string) {
    super(message);
    this.code = code;
    this.reason = {
      400: 'BadRequest',
      404: 'NotFound',
      405: 'MethodNotAllowed',
      500: 'InternalError',
      501: 'NotImplemented',
    }[code];
  }
}

/** The `metav1.Status` of a refusal, so that the API server can hand it on as it is. */
export function statusOf(error: unknown): StatusBody {
  const refused =
    error instanceof RequestError
      ? error
      : new RequestError(500, error instanceof Error ? error.message : String(error));
  return {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message: refused.message,
    reason: refused.reason,
    code: refused.code,
  };
}

/** Answers a request with a refusal. */
export function refuse(response: ServerResponse, error: unknown): void {
  const status = statusOf(error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status.code, { 'content-type': 'application/json' }).end(JSON.stringify(status));
}

/** Answers an upgrade with a refusal. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const status = statusOf(error);
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
