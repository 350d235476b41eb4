import { type ClientDuplexStream, credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import type { EncodedResource, TypeUrl } from '@osm/envoy';
import { type Certificate, createEmbeddedIssuer, createRoot } from '@osm/pki';
import { AGGREGATED_DISCOVERY } from './server.ts';
import type { AdsEvents, ProxyConnection, ResourceSet } from './types.ts';
import { readFields, readMessage, readString, writeHead, writeString } from './wire.ts';

/** Test bench of this folder: certificates, resources, and a discovery client that speaks for itself. */

/** An authority with what is needed for one server and any number of proxies. */
export async function createTestAuthority() {
  const issuer = createEmbeddedIssuer(await createRoot({ commonName: 'test root' }));
  return {
    issuer,
    server: await issuer.issue({ commonName: 'ads.test', dnsNames: ['ads.test'], validitySeconds: 3600 }),
    proxy: (commonName = 'p1.sidecar.cart.shop.test') =>
      issuer.issue({ commonName, uris: ['spiffe://test/cart/shop'], validitySeconds: 3600, usages: ['client'] }),
  };
}

/** A resource whose bytes are a text. */
export function resource(
  typeUrl: TypeUrl,
  name: string,
  version: string,
  text = `${name}@${version}`,
): EncodedResource {
  return { typeUrl, name, version, bytes: Buffer.from(text) };
}

/** Groups resources as the owner of the server hands them over. */
export function resourceSet(...resources: readonly EncodedResource[]): ResourceSet {
  const set = new Map<TypeUrl, Map<string, EncodedResource>>();
  for (const one of resources) set.set(one.typeUrl, (set.get(one.typeUrl) ?? new Map()).set(one.name, one));
  return set;
}

/** What happened, in order, as short lines. */
export function recordEvents(): AdsEvents & {
  readonly lines: string[];
  readonly proxies: Map<string, ProxyConnection>;
} {
  const lines: string[] = [];
  const proxies = new Map<string, ProxyConnection>();
  const short = (typeUrl: string): string => typeUrl.slice(typeUrl.lastIndexOf('.') + 1);
  const list = (versions: ReadonlyMap<string, string>): string => [...versions].map((pair) => pair.join('@')).join(' ');
  return {
    lines,
    proxies,
    connected(proxy) {
      proxies.set(proxy.connectionId, proxy);
      lines.push(`connected ${proxy.commonName}`);
    },
    disconnected(proxy) {
      proxies.delete(proxy.connectionId);
      lines.push(`disconnected ${proxy.commonName}`);
    },
    acked: (_proxy, typeUrl, versions) => lines.push(`acked ${short(typeUrl)} ${list(versions)}`),
    nacked: (_proxy, typeUrl, versions, error) => lines.push(`nacked ${short(typeUrl)} ${list(versions)}: ${error}`),
    recovered: (_proxy, typeUrl, names) => lines.push(`recovered ${short(typeUrl)} ${names.join(' ')}`),
  };
}

/** A delta response as a client reads it. */
export interface TestResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: ReadonlyMap<string, { readonly version: string; readonly text: string }>;
  readonly removed: readonly string[];
}

/** A delta request as a client writes it. */
export interface TestRequest {
  readonly typeUrl: string;
  readonly nodeId?: string;
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly initialVersions?: Readonly<Record<string, string>>;
  readonly nonce?: string;
  readonly error?: string;
}

const field = (number: number, content: Uint8Array): Uint8Array =>
  Buffer.concat([writeHead(number, content.length), content]);

/** Writes a DeltaDiscoveryRequest. */
export function writeDeltaRequest(request: TestRequest): Buffer {
  return Buffer.concat([
    ...(request.nodeId === undefined ? [] : [field(1, writeString(1, request.nodeId))]),
    writeString(2, request.typeUrl),
    ...(request.subscribe ?? []).map((name) => writeString(3, name)),
    ...(request.unsubscribe ?? []).map((name) => writeString(4, name)),
    ...Object.entries(request.initialVersions ?? {}).map(([name, version]) =>
      field(5, Buffer.concat([writeString(1, name), writeString(2, version)])),
    ),
    writeString(6, request.nonce ?? ''),
    ...(request.error === undefined ? [] : [field(7, writeString(2, request.error))]),
  ]);
}

/** Writes a DiscoveryRequest. */
export function writeWorldRequest(request: {
  readonly typeUrl: string;
  readonly nodeId?: string;
  readonly names?: readonly string[];
  readonly nonce?: string;
  readonly error?: string;
}): Buffer {
  return Buffer.concat([
    ...(request.nodeId === undefined ? [] : [field(2, writeString(1, request.nodeId))]),
    ...(request.names ?? []).map((name) => writeString(3, name)),
    writeString(4, request.typeUrl),
    writeString(5, request.nonce ?? ''),
    ...(request.error === undefined ? [] : [field(6, writeString(2, request.error))]),
  ]);
}

function readAny(message: Uint8Array): string {
  for (const one of readFields(message)) if (one.number === 2) return Buffer.from(readMessage(one)).toString();
  return '';
}

/** Reads a DeltaDiscoveryResponse. */
export function readDeltaResponse(message: Uint8Array): TestResponse {
  let typeUrl = '';
  let nonce = '';
  const removed: string[] = [];
  const resources = new Map<string, { version: string; text: string }>();
  for (const one of readFields(message)) {
    if (one.number === 4) typeUrl = readString(one);
    if (one.number === 5) nonce = readString(one);
    if (one.number === 6) removed.push(readString(one));
    if (one.number !== 2) continue;
    const found = { name: '', version: '', text: '' };
    for (const inner of readFields(readMessage(one))) {
      if (inner.number === 1) found.version = readString(inner);
      if (inner.number === 2) found.text = readAny(readMessage(inner));
      if (inner.number === 3) found.name = readString(inner);
    }
    resources.set(found.name, { version: found.version, text: found.text });
  }
  return { typeUrl, nonce, resources, removed };
}

/** Reads a DiscoveryResponse: the texts of its resources. */
export function readWorldResponse(message: Uint8Array): {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly texts: readonly string[];
} {
  let typeUrl = '';
  let nonce = '';
  const texts: string[] = [];
  for (const one of readFields(message)) {
    if (one.number === 2) texts.push(readAny(readMessage(one)));
    if (one.number === 4) typeUrl = readString(one);
    if (one.number === 5) nonce = readString(one);
  }
  return { typeUrl, nonce, texts };
}

const Client = makeGenericClientConstructor(AGGREGATED_DISCOVERY, 'ads');

/** A stream of a discovery client, message by message. */
export interface TestStream {
  send(message: Buffer): void;
  /** The next message; rejects with the status when the stream ends first. */
  receive(): Promise<Buffer>;
  /** Messages that came and were not asked for yet. */
  readonly unread: number;
  end(): void;
  /** Ends the connection too. */
  close(): void;
}

/** Opens a stream over mutual TLS; the server's certificate must carry the name. */
export function openStream(
  port: number,
  identity: Pick<Certificate, 'chainPem' | 'keyPem' | 'trustPem'>,
  method: keyof typeof AGGREGATED_DISCOVERY = 'DeltaAggregatedResources',
  serverName = 'ads.test',
): TestStream {
  const client = new Client(
    `127.0.0.1:${port}`,
    credentials.createSsl(Buffer.from(identity.trustPem), Buffer.from(identity.keyPem), Buffer.from(identity.chainPem)),
    { 'grpc.ssl_target_name_override': serverName, 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0 },
  );
  const open = client[method] as unknown as () => ClientDuplexStream<Buffer, Buffer>;
  const stream = open.call(client);
  const queue: Buffer[] = [];
  let over: Error | undefined;
  let waiting: { resolve: (message: Buffer) => void; reject: (error: Error) => void } | undefined;
  const finish = (error: Error): void => {
    over ??= error;
    waiting?.reject(over);
    waiting = undefined;
  };
  stream.on('data', (message: Buffer) => {
    if (waiting === undefined) queue.push(message);
    else waiting.resolve(message);
    waiting = undefined;
  });
  stream.on('error', finish);
  stream.on('end', () => finish(new Error('the stream ended')));
  return {
    send: (message) => void stream.write(message),
    receive() {
      const next = queue.shift();
      if (next !== undefined) return Promise.resolve(next);
      if (over !== undefined) return Promise.reject(over);
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
      });
    },
    get unread() {
      return queue.length;
    },
    end: () => void stream.end(),
    close: () => client.close(),
  };
}
