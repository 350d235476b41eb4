import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { builtinTypes } from '../kinds/index.ts';
import { ListPages, Store } from '../store/index.ts';
import type { NodeLink, UserInfo } from '../types.ts';
import { authenticate } from './authenticate.ts';
import { Authorizer } from './authorize.ts';
import { bootstrap, keepKubernetesService } from './bootstrap.ts';
import { CustomTypes } from './custom-types.ts';
import { StatusError } from './errors.ts';
import { expireEvents } from './event-expiry.ts';
import { impersonate } from './impersonate.ts';
import { isKubeletSubresource, proxyUpgrade, writeRefusal } from './kubelet-proxy.ts';
import { OpenApi } from './openapi.ts';
import { handlePath, type PathState } from './path-handler.ts';
import { parseUrl, refusal } from './refusal.ts';
import { Registry } from './registry.ts';
import { type RequestInfo, readRequest } from './request-info.ts';
import { handleResource, targetOf } from './resource-handler.ts';
import { failure, send } from './respond.ts';
import { loadBuiltinSchemas, WebhookConnections } from './rules.ts';
import { ServiceAddresses } from './service-addresses.ts';
import type { ApiState, RequestContext } from './state.ts';
import { TokenSigner } from './tokens.ts';
import type { Watch } from './watch.ts';

/** What an API server is started with. */
export interface ApiServerOptions {
  /** Path of the state file; `:memory:` keeps nothing. */
  readonly stateFile: string;
  /** Unix socket on which the same API is served, with the same certificate. */
  readonly socketPath: string;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly servingCertificate: { readonly certPem: string; readonly keyPem: string };
  /** Authority of client certificates, and of the serving certificate. */
  readonly clientCaPem: string;
  /** Private key (EC P-256) that signs service-account tokens. */
  readonly serviceAccountKeyPem: string;
  readonly serviceAccountIssuer: string;
  /** IPv4 block of service addresses. */
  readonly serviceCidr: string;
  readonly node: () => NodeLink | undefined;
  /** The published Kubernetes JSON schema (`$defs` by name). */
  readonly schemaJson: unknown;
  /** Told of requests that failed for a reason of the server's own. Default: nothing. */
  readonly onError?: (message: string) => void;
  readonly now?: () => Date;
}

/** A running API server. */
export interface ApiServer {
  readonly port: number;
  readonly store: Store;
  /** Ends watches properly, lets requests finish, closes the state file. */
  close(): Promise<void>;
}

/** Bounds of what clients may cost. */
const LIMITS = Object.freeze({ headerBytes: 64 * 1024, connections: 4096, requestMs: 60_000, drainMs: 5_000 });

/** Watches that take bookmarks get one this often. */
const BOOKMARK_MS = 60_000;

const nothing = () => undefined;

/** Starts the API server: HTTPS on `host:port` and on the unix socket. Rejects when either cannot be opened. */
export const startApiServer = async (options: ApiServerOptions): Promise<ApiServer> => {
  const store = new Store({ file: options.stateFile });
  const running = new RunningApi(options, store);
  try {
    await running.listen();
  } catch (error) {
    store.close();
    throw error;
  }
  return { port: running.port, store, close: () => running.close() };
};

class RunningApi {
  readonly #options: ApiServerOptions;
  readonly #api: ApiState;
  readonly #paths: PathState;
  readonly #watches = new Set<Watch>();
  readonly #servers: readonly Server[];
  readonly #bookmarks: NodeJS.Timeout;
  readonly #custom: CustomTypes;
  readonly #releaseService: () => void;
  #port = 0;

  constructor(options: ApiServerOptions, store: Store) {
    this.#options = options;
    const schemas = loadBuiltinSchemas(options.schemaJson);
    const registry = new Registry(builtinTypes((group, version, kind) => schemas.schemaOf(group, version, kind)));
    this.#api = {
      store,
      registry,
      pages: new ListPages(),
      authorizer: new Authorizer(store),
      tokens: new TokenSigner(options.serviceAccountKeyPem, options.serviceAccountIssuer),
      addresses: new ServiceAddresses(store, options.serviceCidr, reservedOf(options.serviceCidr)),
      node: options.node,
      webhookConnections: new WebhookConnections(),
      clusterCaPem: options.clientCaPem,
      now: options.now ?? (() => new Date()),
      openapi: (group, version) => schemas.openapi(group, version),
    };
    this.#paths = {
      registry,
      openapi: new OpenApi(registry, this.#api.openapi),
      tokens: this.#api.tokens,
    };
    bootstrap(this.#api);
    this.#releaseService = keepKubernetesService(this.#api, (error) => this.#tell('service kubernetes', error));
    this.#custom = new CustomTypes(
      this.#api,
      () => this.#endUnserved(),
      (error) => this.#tell('custom resource definitions', error),
    );
    this.#servers = [this.#createServer(), this.#createServer()];
    this.#bookmarks = setInterval(() => {
      try {
        expireEvents(store, this.#api.now());
      } catch (error) {
        this.#tell('expiry of events', error);
      }
      for (const watch of this.#watches) watch.bookmark();
    }, BOOKMARK_MS);
    this.#bookmarks.unref();
  }

  get port(): number {
    return this.#port;
  }

  async listen(): Promise<void> {
    const { host, port, socketPath } = this.#options;
    const [tcp, unix] = this.#servers;
    if (tcp === undefined || unix === undefined) return;
    tcp.listen(port, host);
    await once(tcp, 'listening');
    this.#port = (tcp.address() as AddressInfo).port;
    rmSync(socketPath, { force: true });
    unix.listen(socketPath);
    await once(unix, 'listening');
    chmodSync(socketPath, 0o600);
  }

  async close(): Promise<void> {
    clearInterval(this.#bookmarks);
    this.#custom.close();
    this.#releaseService();
    for (const watch of [...this.#watches]) watch.end();
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const server of this.#servers) server.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const server of this.#servers) server.closeAllConnections();
    }, LIMITS.drainMs);
    await Promise.all(closed);
    clearTimeout(timer);
    this.#api.webhookConnections.close();
    this.#api.store.close();
  }

  #createServer(): Server {
    const { servingCertificate, clientCaPem } = this.#options;
    const server = createServer({
      cert: servingCertificate.certPem,
      key: servingCertificate.keyPem,
      ca: clientCaPem,
      requestCert: true,
      // Certificates are optional here; one that does not verify is refused when its bearer is authenticated.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      maxHeaderSize: LIMITS.headerBytes,
      headersTimeout: LIMITS.requestMs,
      // Watches and logs are answers that last; the time to send a request is bounded by the headers' and the body's limits.
      requestTimeout: LIMITS.requestMs,
      keepAliveTimeout: 120_000,
      noDelay: true,
    });
    server.maxConnections = LIMITS.connections;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#handle(request, response);
    });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      try {
        this.#upgrade(request, socket, head);
      } catch (error) {
        writeRefusal(socket, error);
      }
    });
    return server;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const warnings = new Set<string>();
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const { url, info, user } = this.#admit(request);
      const { accept } = request.headers;
      const context: RequestContext = {
        user,
        query: url.searchParams,
        signal: gone.signal,
        userAgent: (request.headers['user-agent'] ?? '').split('/')[0] ?? '',
        warn: (message) => warnings.add(message),
      };
      const answer =
        info.kind === 'path'
          ? handlePath(this.#paths, request.method ?? 'GET', info.path, accept)
          : await handleResource({
              api: this.#api,
              info,
              context,
              request,
              response,
              watches: this.#watches,
            });
      if (answer !== undefined) await send(request, response, answer, [...warnings]);
    } catch (error) {
      this.#report(request, error);
      // What is left of a refused body is not read: the connection cannot be used again.
      if (!request.complete && !response.headersSent) response.setHeader('connection', 'close');
      await send(request, response, failure(error), [...warnings]).catch(nothing);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { url, info } = this.#admit(request);
    if (
      info.kind !== 'resource' ||
      info.group !== '' ||
      info.resource !== 'pods' ||
      !isKubeletSubresource(info.subresource)
    )
      throw new StatusError(400, 'BadRequest', `${url.pathname} cannot be upgraded`);
    proxyUpgrade(this.#api, targetOf(this.#api, info), url.searchParams, request, socket, head);
  }

  /** Reads the request line, and lets the request pass or not. Throws StatusError. */
  #admit(request: IncomingMessage): { url: URL; info: RequestInfo; user: UserInfo } {
    const url = parseUrl(request.url ?? '/');
    const info = readRequest(request.method ?? 'GET', url.pathname, url.searchParams);
    const { store, tokens, authorizer } = this.#api;
    const caller = authenticate(store, tokens, request, this.#api.now());
    const user = impersonate(authorizer, caller, request.headers);
    const { allowed } = authorizer.authorize(user, info);
    if (!allowed) throw refusal(user, info);
    return { url, info, user };
  }

  #report(request: IncomingMessage, error: unknown): void {
    if (error instanceof StatusError && error.body.code !== 500) return;
    this.#tell(`${request.method ?? ''} ${(request.url ?? '').split('?')[0]}`, error);
  }

  #tell(place: string, error: unknown): void {
    // A StatusError says itself what is wrong; where it was thrown tells nothing more.
    const thrown = error instanceof Error && !(error instanceof StatusError);
    const detail = thrown ? (error.stack ?? error.message) : error instanceof Error ? error.message : String(error);
    this.#options.onError?.(`${place}: ${detail}`);
  }

  /** Ends the watches of types that are served no more. */
  #endUnserved(): void {
    for (const watch of [...this.#watches])
      if (this.#api.registry.find(watch.type.group, watch.type.version, watch.type.resource) === undefined) watch.end();
  }
}

/** Addresses of a service block that have a meaning: the first is the API server's, the tenth the name server's. */
const reservedOf = (cidr: string): readonly string[] => {
  const [base = ''] = cidr.split('/');
  const parts = base.split('.');
  return [1, 10].map((last) => [...parts.slice(0, 3), String(Number(parts[3]) + last)].join('.'));
};
