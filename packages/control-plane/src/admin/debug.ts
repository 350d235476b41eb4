import type { ResourceSet } from '../ads/types.ts';
import type { ConnectedProxy } from '../distribute/connections.ts';
import { identityKey } from '../identity/names.ts';
import { type AdminServer, type Endpoint, startAdminServer } from './http.ts';
import type { Logger } from './log.ts';

/** How a proxy answered the last response of a type. */
export interface LastAnswer {
  readonly at: Date;
  readonly accepted: boolean;
  /** Envoy's words when it refused. */
  readonly error: string | undefined;
}

/** What the debug endpoints show. */
export interface DebugSources {
  readonly proxies: () => Iterable<ConnectedProxy>;
  readonly given: (connectionId: string) => ResourceSet | undefined;
  readonly answers: (connectionId: string) => ReadonlyMap<string, LastAnswer> | undefined;
  readonly meshConfig: () => object | undefined;
  readonly namespaces: () => readonly string[];
}

const shortType = (typeUrl: string): string => typeUrl.slice(typeUrl.lastIndexOf('.') + 1);

/** The endpoints of the debug server. None of them shows key material. */
export function debugEndpoints(sources: DebugSources): Record<string, Endpoint> {
  const json = (body: object): ReturnType<Endpoint> => ({ status: 200, body });
  const endpoints: Record<string, Endpoint> = {
    '/debug/proxy': () =>
      json(
        [...sources.proxies()].map((proxy) => ({
          uuid: proxy.identity.uuid,
          identity: identityKey(proxy.identity),
          pod: proxy.pod === undefined ? null : `${proxy.pod.namespace}/${proxy.pod.name}`,
          state: proxy.state,
          connectedSince: proxy.since.toISOString(),
        })),
      ),
    '/debug/xds': (query) => {
      const wanted = query.get('uuid');
      const report: Record<string, object> = {};
      for (const { connection, identity } of sources.proxies()) {
        if (wanted !== null && wanted !== identity.uuid) continue;
        const answers = sources.answers(connection.connectionId);
        const types: Record<string, object> = {};
        for (const [typeUrl, resources] of sources.given(connection.connectionId) ?? []) {
          types[shortType(typeUrl)] = {
            resources: Object.fromEntries([...resources].map(([name, { version }]) => [name, version])),
            lastAnswer: answers?.get(typeUrl) ?? null,
          };
        }
        report[identity.uuid] = types;
      }
      return json(report);
    },
    '/debug/config': () => json(sources.meshConfig() ?? {}),
    '/debug/namespaces': () => json([...sources.namespaces()]),
    '/debug/feature-flags': () => {
      const config = sources.meshConfig() as { spec?: { featureFlags?: object } } | undefined;
      return json(config?.spec?.featureFlags ?? {});
    },
  };
  return { ...endpoints, '/debug': () => ({ status: 200, body: `${Object.keys(endpoints).join('\n')}\n` }) };
}

/** A server that is there only while it is wanted. */
export interface DebugServer {
  /** Listens or stops listening; calls in quick succession end in the last wish. */
  follow(wanted: boolean): void;
  /** Port in use while it listens. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/** Creates the debug server, not listening yet. */
export function createDebugServer(port: number, endpoints: Record<string, Endpoint>, log: Logger): DebugServer {
  let wanted = false;
  let server: AdminServer | undefined;
  let last = Promise.resolve();
  const settle = async (): Promise<void> => {
    if (wanted && server === undefined) {
      server = await startAdminServer(port, endpoints);
      log.info({ port: server.port }, 'the debug server listens');
    } else if (!wanted && server !== undefined) {
      const old = server;
      server = undefined;
      await old.close();
      log.info({}, 'the debug server stopped');
    }
  };
  const follow = (on: boolean): void => {
    wanted = on;
    last = last.then(settle).catch((error: unknown) => {
      log.error({ error: String(error) }, 'the debug server cannot listen');
    });
  };
  return {
    follow,
    get port() {
      return server?.port;
    },
    close() {
      follow(false);
      return last;
    },
  };
}
