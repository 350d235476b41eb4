import type { ListPages, Store } from '../store/index.ts';
import type { NodeLink, UserInfo } from '../types.ts';
import type { Authorizer } from './authorize.ts';
import type { Registry } from './registry.ts';
import type { WebhookConnections } from './rules.ts';
import type { ServiceAddresses } from './service-addresses.ts';
import type { TokenSigner } from './tokens.ts';

/** What every request handler works with. */
export interface ApiState {
  readonly store: Store;
  readonly registry: Registry;
  readonly pages: ListPages;
  readonly authorizer: Authorizer;
  readonly tokens: TokenSigner;
  readonly addresses: ServiceAddresses;
  readonly node: () => NodeLink | undefined;
  /** Connections to webhooks, kept between calls. */
  readonly webhookConnections: WebhookConnections;
  /** PEM of the authority that signed the serving certificate. */
  readonly clusterCaPem: string;
  readonly now: () => Date;
  /** Definitions to publish for a group and version (OpenAPI v3 components). */
  readonly openapi: (group: string, version: string) => Readonly<Record<string, unknown>>;
}

/** One authenticated request, as the handlers of resources see it. */
export interface RequestContext {
  readonly user: UserInfo;
  readonly query: URLSearchParams;
  /** Fires when the client is gone. */
  readonly signal: AbortSignal;
  /** First word of the User-Agent: who owns fields when no field manager is named. */
  readonly userAgent: string;
  /** Tells the client something that does not fail the request (Warning header). */
  warn(message: string): void;
}

/** Kubernetes writes times in whole seconds. */
export const timestamp = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
