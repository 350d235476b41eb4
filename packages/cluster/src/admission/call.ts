import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Dial, DialOptions, WebhookConnections } from './connections.ts';
import { WebhookFailure } from './denied.ts';
import { indicatedName, type WebhookEndpoint } from './endpoint.ts';
import type { Webhook } from './webhook.ts';

/** Largest answer that is read, in bytes: a patch of the largest object, in base64, with room. */
const MAX_ANSWER = 8 * 1024 * 1024;

/** The way to webhooks. */
export interface Transport {
  readonly connections: WebhookConnections;
  readonly dial: Dial;
  /** Fires when the client of the API server is gone. */
  readonly signal: AbortSignal;
}

/**
 * Posts a review to a webhook and gives back the body of its answer. Throws WebhookFailure, in the manner of the API server, when
 * there is none in time or it is not a 200.
 */
export const postReview = async (
  transport: Transport,
  webhook: Webhook,
  endpoint: WebhookEndpoint,
  review: string,
): Promise<string> => {
  const { timeoutSeconds } = webhook;
  const url = withTimeout(endpoint.url, timeoutSeconds);
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  const signal = AbortSignal.any([transport.signal, deadline]);
  const path = withTimeout(endpoint.path, timeoutSeconds);
  const post = () => exchange(transport, webhook, { ...endpoint, path }, review, signal);
  try {
    return await post().catch((error: unknown) => {
      // The webhook may have ended a kept connection in the very moment it was taken again.
      if (error instanceof StaleConnection && !signal.aborted) return post();
      throw error;
    });
  } catch (error) {
    transport.signal.throwIfAborted();
    if (error instanceof WebhookFailure) throw error;
    const why = deadline.aborted ? `context deadline exceeded (no answer within ${timeoutSeconds} s)` : explain(error);
    throw new WebhookFailure(`failed to call webhook: Post "${url}": ${why}`);
  }
};

/** A kept connection that was dead. */
class StaleConnection extends Error {}

const withTimeout = (url: string, seconds: number): string =>
  `${url}${url.includes('?') ? '&' : '?'}timeout=${seconds}s`;

const explain = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const exchange = (
  { connections, dial }: Transport,
  { authoritiesPem, timeoutSeconds }: Webhook,
  { host, port, serverName, path, url }: WebhookEndpoint,
  review: string,
  signal: AbortSignal,
): Promise<string> => {
  const dialing: DialOptions = { dial, dialTimeoutMs: timeoutSeconds * 1000 };
  const options = {
    ...dialing,
    agent: connections.agent,
    method: 'POST',
    host,
    port,
    path,
    servername: indicatedName(serverName),
    ...(authoritiesPem === '' ? {} : { ca: authoritiesPem }),
    signal,
    headers: {
      host: new URL(url).host,
      accept: 'application/json',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(review),
      'user-agent': 'kube-apiserver-admission',
    },
  };
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => readAnswer(response).then(resolve, reject));
    call.on('error', (error) => reject(call.reusedSocket ? new StaleConnection(error.message) : error));
    call.end(review);
  });
};

const readAnswer = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > MAX_ANSWER) throw new WebhookFailure(`the answer of the webhook is larger than ${MAX_ANSWER} bytes`);
    chunks.push(chunk as Buffer);
  }
  const text = Buffer.concat(chunks).toString();
  if (response.statusCode === 200) return text;
  const said = text.trim().slice(0, 256);
  throw new WebhookFailure(
    `failed to call webhook: the webhook answered with status ${response.statusCode}${said === '' ? '' : ` (${JSON.stringify(said)})`}`,
  );
};
