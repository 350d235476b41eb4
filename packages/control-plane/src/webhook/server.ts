import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../admin/log.ts';
import {
  type AdmissionRequest,
  type AdmissionVerdict,
  deny,
  ReviewError,
  readReview,
  writeReview,
} from './admission.ts';

/** PEM key pair that the server shows to the API server. */
export interface ServingCertificate {
  readonly chainPem: string;
  readonly keyPem: string;
}

/** A running webhook server. */
export interface WebhookServer {
  readonly port: number;
  /** Takes a rotated certificate into use for new connections. */
  setCertificate(certificate: ServingCertificate): void;
  close(): Promise<void>;
}

/** What a webhook server needs. */
export interface WebhookOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly path: string;
  readonly certificate: ServingCertificate;
  readonly log: Logger;
  /** Decides on one request. What it throws becomes a denial that tells the message. */
  handle(request: AdmissionRequest): Promise<AdmissionVerdict>;
  /** Called once per answered review. */
  answered?(request: AdmissionRequest, verdict: AdmissionVerdict): void;
}

/** An object is at most about 1.5 MiB in etcd, and a review may carry an old and a new one. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const READ_TIMEOUT_MS = 10_000;

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new ReviewError(413, `the body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) throw new ReviewError(400, 'the body is empty');
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, body: object | string): void {
  const json = typeof body === 'object';
  response.writeHead(status, { 'content-type': json ? 'application/json' : 'text/plain; charset=utf-8' });
  response.end(json ? JSON.stringify(body) : `${body}\n`);
}

async function answer(options: WebhookOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0];
  if (path !== options.path) throw new ReviewError(404, `only ${options.path} is served here`);
  if (request.method !== 'POST') throw new ReviewError(405, 'admission reviews are sent by POST');
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new ReviewError(415, 'the content type must be application/json');
  const review = readReview(await readBody(request));
  let verdict: AdmissionVerdict;
  try {
    verdict = await options.handle(review);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    options.log.error({ error: message, namespace: review.namespace, name: review.name }, 'admission failed');
    verdict = deny(500, message);
  }
  options.answered?.(review, verdict);
  send(response, 200, writeReview(review.uid, verdict));
}

/** Serves admission reviews over TLS 1.3. Resolves when the port is bound. */
export async function startWebhookServer(options: WebhookOptions): Promise<WebhookServer> {
  const tls = (certificate: ServingCertificate): object => ({
    cert: certificate.chainPem,
    key: certificate.keyPem,
    minVersion: 'TLSv1.3',
  });
  const server = createServer({ ...tls(options.certificate), requestTimeout: READ_TIMEOUT_MS }, (request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      const status = error instanceof ReviewError ? error.status : 500;
      const message = error instanceof Error ? error.message : String(error);
      options.log.warn({ status, error: message }, 'webhook call refused');
      // What is left of an oversized body is not worth reading.
      if (status === 413) response.setHeader('connection', 'close');
      if (!response.headersSent) send(response, status, message);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    setCertificate: (certificate) => server.setSecureContext(tls(certificate)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}
