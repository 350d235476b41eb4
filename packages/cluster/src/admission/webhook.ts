import type { KubeObject } from '@osm/kube';
import { at, isRecord, list, number, record, text, texts } from '../store/fields.ts';

/** Which requests a webhook wants to see; `*` stands for everything. */
export interface Rule {
  readonly operations: readonly string[];
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  /** A plural, with or without a slash and a subresource; either may be `*`. */
  readonly resources: readonly string[];
  readonly scope: 'Cluster' | 'Namespaced' | '*';
}

/** Where a webhook listens. */
export type WebhookAddress =
  | { readonly kind: 'url'; readonly url: string }
  | {
      readonly kind: 'service';
      readonly namespace: string;
      readonly name: string;
      readonly path: string;
      readonly port: number;
    };

/** A CEL condition of a webhook. */
export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

/** One webhook of a configuration (admissionregistration.k8s.io/v1), with the defaults of its kind. */
export interface Webhook {
  readonly configuration: string;
  readonly name: string;
  /** Place in its configuration. */
  readonly index: number;
  readonly address: WebhookAddress;
  /** PEM of the authorities that may sign its certificate; '' for those of the system. */
  readonly authoritiesPem: string;
  readonly rules: readonly Rule[];
  readonly matchPolicy: 'Exact' | 'Equivalent';
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly reinvocationPolicy: 'Never' | 'IfNeeded';
  readonly sideEffects: string;
  readonly timeoutSeconds: number;
  readonly admissionReviewVersions: readonly string[];
  /** LabelSelectors as they are written; an absent one selects everything. */
  readonly namespaceSelector: unknown;
  readonly objectSelector: unknown;
  readonly matchConditions: readonly MatchCondition[];
}

const DEFAULT_TIMEOUT = 10;
const MAX_TIMEOUT = 30;

const read = new WeakMap<KubeObject, readonly Webhook[]>();

/** The webhooks of a configuration, read once per stored object. */
export const webhooksOf = (configuration: KubeObject): readonly Webhook[] => {
  const known = read.get(configuration);
  if (known !== undefined) return known;
  const webhooks = Object.freeze(
    list(configuration.webhooks).map((value, index) => readWebhook(configuration.metadata.name, index, value)),
  );
  read.set(configuration, webhooks);
  return webhooks;
};

const readWebhook = (configuration: string, index: number, value: unknown): Webhook => {
  const field = (name: string): unknown => at(value, name);
  const timeout = number(field('timeoutSeconds'), DEFAULT_TIMEOUT);
  return Object.freeze({
    configuration,
    name: text(field('name')),
    index,
    address: readAddress(field('clientConfig')),
    authoritiesPem: Buffer.from(text(at(value, 'clientConfig', 'caBundle')), 'base64').toString(),
    rules: list(field('rules')).map(readRule),
    matchPolicy: field('matchPolicy') === 'Exact' ? 'Exact' : 'Equivalent',
    failurePolicy: field('failurePolicy') === 'Ignore' ? 'Ignore' : 'Fail',
    reinvocationPolicy: field('reinvocationPolicy') === 'IfNeeded' ? 'IfNeeded' : 'Never',
    sideEffects: text(field('sideEffects')) || 'Unknown',
    timeoutSeconds: Math.min(Math.max(timeout, 1), MAX_TIMEOUT),
    admissionReviewVersions: texts(field('admissionReviewVersions')),
    namespaceSelector: field('namespaceSelector') ?? {},
    objectSelector: field('objectSelector') ?? {},
    matchConditions: list(field('matchConditions')).map((condition) => ({
      name: text(at(condition, 'name')),
      expression: text(at(condition, 'expression')),
    })),
  });
};

const readRule = (value: unknown): Rule => {
  const { scope, ...rule } = record(value);
  return {
    operations: texts(rule.operations),
    apiGroups: texts(rule.apiGroups),
    apiVersions: texts(rule.apiVersions),
    resources: texts(rule.resources),
    scope: scope === 'Cluster' || scope === 'Namespaced' ? scope : '*',
  };
};

const readAddress = (clientConfig: unknown): WebhookAddress => {
  const service = at(clientConfig, 'service');
  if (!isRecord(service)) return { kind: 'url', url: text(at(clientConfig, 'url')) };
  const path = text(service.path);
  return {
    kind: 'service',
    namespace: text(service.namespace),
    name: text(service.name),
    path: path.startsWith('/') ? path : `/${path}`,
    port: number(service.port, 443),
  };
};
