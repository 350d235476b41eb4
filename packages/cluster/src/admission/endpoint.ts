import { isIP } from 'node:net';
import { WebhookFailure } from './denied.ts';
import type { WebhookAddress } from './webhook.ts';

/** Where the address of a webhook leads. */
export interface WebhookEndpoint {
  /** What is dialled. */
  readonly host: string;
  readonly port: number;
  /** The name that the certificate must carry. */
  readonly serverName: string;
  readonly path: string;
  /** As error messages and the Host header tell it. */
  readonly url: string;
}

/** Finds a service in the cluster's network; throws when it does not exist. */
export type ResolveService = (
  namespace: string,
  name: string,
  port: number,
) => { readonly host: string; readonly port: number };

const LOOPBACK = /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1?|::ffff:(127\..*|7f[0-9a-f]{2}:.*|0:0))$/;

/** Resolves the address of a webhook. Throws WebhookFailure for what is no HTTPS address and for a loopback address. */
export const endpointOf = (address: WebhookAddress, resolveService: ResolveService): WebhookEndpoint =>
  address.kind === 'url' ? urlEndpoint(address.url) : serviceEndpoint(address, resolveService);

const serviceEndpoint = (
  { namespace, name, path, port }: Extract<WebhookAddress, { kind: 'service' }>,
  resolveService: ResolveService,
): WebhookEndpoint => {
  const serverName = `${name}.${namespace}.svc`;
  const found = resolveService(namespace, name, port);
  return { ...found, serverName, path, url: `https://${serverName}:${port}${path}` };
};

const urlEndpoint = (text: string): WebhookEndpoint => {
  const url = parseUrl(text);
  if (url.protocol !== 'https:') throw new WebhookFailure(`the URL ${JSON.stringify(text)} is not an https URL`);
  if (url.username !== '' || url.password !== '') throw new WebhookFailure('the URL must not carry credentials');
  const host = url.hostname.replace(/^\[|\]$|\.$/g, '').toLowerCase();
  // Loopback is the machine that the API server runs on: nothing there is a webhook's.
  if (LOOPBACK.test(host)) throw new WebhookFailure(`the URL ${JSON.stringify(text)} leads to a loopback address`);
  const port = url.port === '' ? 443 : Number(url.port);
  const path = `${url.pathname}${url.search}`;
  return { host, port, serverName: host, path, url: `https://${url.host}${path}` };
};

const parseUrl = (text: string): URL => {
  try {
    return new URL(text);
  } catch {
    throw new WebhookFailure(`${JSON.stringify(text)} is not a URL`);
  }
};

/** The name for TLS server name indication; addresses have none. */
export const indicatedName = (serverName: string): string => (isIP(serverName) === 0 ? serverName : '');
