import type { KubeObject } from '@osm/kube';
import { applyJsonPatch, PatchError } from '../patch/index.ts';
import { at, sameJson } from '../store/fields.ts';
import { postReview, type Transport } from './call.ts';
import { type Dial, WebhookConnections } from './connections.ts';
import {
  AdmissionDenied,
  callFailed,
  conditionFailed,
  denial,
  dryRunUnsupported,
  type Remarks,
  WebhookFailure,
} from './denied.ts';
import { endpointOf, type ResolveService } from './endpoint.ts';
import { matchConditions } from './match-conditions.ts';
import { matchRules } from './match-rules.ts';
import { matchSelectors } from './match-selectors.ts';
import type { AdmissionRequest, Kind, Resource } from './request.ts';
import { type AdmissionResponse, readReview, writeReview } from './review.ts';
import { type Webhook, webhooksOf } from './webhook.ts';

/** Another version of the request's resource, which a webhook may prefer to see. */
export interface Equivalent {
  readonly resource: Resource;
  readonly kind: Kind;
  /** Converts an object of the request to this version, and back. */
  from(object: object): object;
  back(object: object): object;
}

/** One round of asking webhooks. */
export interface AdmissionRun {
  readonly phase: 'mutating' | 'validating';
  readonly request: AdmissionRequest;
  /** MutatingWebhookConfigurations or ValidatingWebhookConfigurations. */
  readonly configurations: readonly KubeObject[];
  /** Labels of the request's namespace. */
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly dial: Dial;
  readonly resolveService: ResolveService;
  readonly signal: AbortSignal;
  /** Connections to use again; without, each run makes its own. */
  readonly connections?: WebhookConnections;
  readonly equivalents?: readonly Equivalent[];
  /** What the server makes of an object that a webhook has changed, before the next one sees it (defaults). */
  readonly settle?: (object: object) => object;
}

/** What webhooks made of a request that all of them allow. */
export interface AdmissionOutcome extends Remarks {
  readonly object: unknown;
}

/** State of a run: what is collected on the way. */
interface Round {
  readonly run: AdmissionRun;
  readonly transport: Transport;
  readonly warnings: string[];
  readonly auditAnnotations: Record<string, string>;
}

/** A webhook that is to be asked, and as what it sees the request. */
interface Hit {
  readonly webhook: Webhook;
  readonly equivalent: Equivalent | undefined;
}

/**
 * Asks the webhooks that a request concerns
 * (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/). Mutating ones are asked one after
 * the other by the name of their configuration, and once more (`reinvocationPolicy: IfNeeded`) when a later one has changed the
 * object; validating ones all at once. Throws AdmissionDenied, whose `status` is the answer to the client; when the client is
 * gone, the reason of `signal`.
 */
export const runAdmission = async (run: AdmissionRun): Promise<AdmissionOutcome> => {
  const connections = run.connections ?? new WebhookConnections();
  const transport = { connections, dial: run.dial, signal: run.signal };
  const round: Round = { run, transport, warnings: [], auditAnnotations: {} };
  try {
    const object = run.phase === 'mutating' ? await mutate(round) : await validate(round);
    return { object, warnings: round.warnings, auditAnnotations: round.auditAnnotations };
  } catch (error) {
    if (!(error instanceof AdmissionDenied)) throw error;
    throw new AdmissionDenied(error.status, round.warnings);
  } finally {
    if (run.connections === undefined) connections.close();
  }
};

const byName = (left: KubeObject, right: KubeObject): number =>
  left.metadata.name < right.metadata.name ? -1 : left.metadata.name > right.metadata.name ? 1 : 0;

const orderedWebhooks = ({ configurations }: AdmissionRun): readonly Webhook[] =>
  [...configurations].sort(byName).flatMap(webhooksOf);

const mutate = async (round: Round): Promise<unknown> => {
  const webhooks = orderedWebhooks(round.run);
  let { object } = round.run.request;
  const asked: Webhook[] = [];
  const again = new Set<Webhook>();
  for (const [index, webhook] of webhooks.entries()) {
    const next = await mutateBy(round, webhook, object, `round_0_index_${index}`);
    if (next === undefined) continue;
    if (next !== object) for (const earlier of asked) again.add(earlier);
    if (webhook.reinvocationPolicy === 'IfNeeded') asked.push(webhook);
    object = next;
  }
  for (const [index, webhook] of webhooks.entries())
    if (again.has(webhook)) object = (await mutateBy(round, webhook, object, `round_1_index_${index}`)) ?? object;
  return object;
};

/** The object as a webhook leaves it, the very same when it changes nothing; `undefined` when it is not asked. */
const mutateBy = async (round: Round, webhook: Webhook, object: unknown, place: string): Promise<unknown> => {
  const request = { ...round.run.request, object };
  const hit = hitOf(round, webhook, request);
  if (hit === undefined) return undefined;
  const next = await askOrFail(round, webhook, place, async () => {
    const response = await ask(round, hit, request);
    return { response, object: patched(round.run, hit, request, response) };
  });
  if (next === undefined) return object;
  const mutated = next.object !== object;
  note(round, webhook, next.response);
  round.auditAnnotations[`mutation.webhook.admission.k8s.io/${place}`] = JSON.stringify({
    configuration: webhook.configuration,
    webhook: webhook.name,
    mutated,
  });
  return next.object;
};

const patched = (
  run: AdmissionRun,
  { equivalent }: Hit,
  request: AdmissionRequest,
  response: AdmissionResponse,
): unknown => {
  const { object } = request;
  if (!response.allowed || response.patch === undefined || typeof object !== 'object' || object === null) return object;
  try {
    const seen = equivalent?.from(object) ?? object;
    const next = applyJsonPatch(seen, response.patch);
    if (at(next, 'kind') !== at(seen, 'kind') || at(next, 'apiVersion') !== at(seen, 'apiVersion'))
      throw new PatchError('the patch turns the object into another kind');
    const back = equivalent?.back(next) ?? next;
    const settled = run.settle?.(back) ?? back;
    return sameJson(settled, object) ? object : settled;
  } catch (error) {
    throw error instanceof PatchError ? new WebhookFailure(`the patch cannot be applied: ${error.message}`) : error;
  }
};

const validate = async (round: Round): Promise<unknown> => {
  const { request } = round.run;
  const outcomes = await Promise.allSettled(
    orderedWebhooks(round.run).map(async (webhook, index) => {
      const hit = hitOf(round, webhook, request);
      if (hit === undefined) return;
      const response = await askOrFail(
        round,
        webhook,
        `round_0_index_${index}`,
        () => ask(round, hit, request),
        'validating',
      );
      if (response !== undefined) note(round, webhook, response);
    }),
  );
  const refused = outcomes.find((outcome) => outcome.status === 'rejected');
  if (refused !== undefined) throw refused.reason;
  return request.object;
};

/** Whether and as what a webhook sees a request. Throws AdmissionDenied when that cannot be told. */
const hitOf = ({ run }: Round, webhook: Webhook, request: AdmissionRequest): Hit | undefined => {
  const { equivalents = [], namespaceLabels } = run;
  const seen = matchRules(
    webhook,
    request,
    equivalents.map(({ resource }) => resource),
  );
  if (seen === undefined || !matchSelectors(webhook, request, namespaceLabels)) return undefined;
  const hit = { webhook, equivalent: equivalents.find(({ resource }) => resource === seen) };
  const verdict = matchConditions(webhook.matchConditions, asSeen(hit, request));
  if ('match' in verdict) return verdict.match ? hit : undefined;
  if (webhook.failurePolicy === 'Ignore') return undefined;
  throw new AdmissionDenied(conditionFailed(webhook.name, verdict.error));
};

const asSeen = ({ equivalent }: Hit, request: AdmissionRequest): AdmissionRequest => {
  if (equivalent === undefined) return request;
  const convert = (object: unknown): unknown =>
    typeof object === 'object' && object !== null ? equivalent.from(object) : object;
  const { kind, resource } = equivalent;
  return { ...request, kind, resource, object: convert(request.object), oldObject: convert(request.oldObject) };
};

const ask = async ({ run, transport }: Round, hit: Hit, request: AdmissionRequest): Promise<AdmissionResponse> => {
  const { webhook } = hit;
  const review = writeReview(asSeen(hit, request), webhook.admissionReviewVersions);
  const endpoint = resolve(webhook, run.resolveService);
  const body = await postReview(transport, webhook, endpoint, review);
  return readReview(body, request.uid, run.phase === 'mutating');
};

const resolve = (webhook: Webhook, resolveService: ResolveService) => {
  try {
    return endpointOf(webhook.address, resolveService);
  } catch (error) {
    throw error instanceof WebhookFailure
      ? error
      : new WebhookFailure(`failed to call webhook: ${(error as Error).message}`);
  }
};

/** Asks a webhook; a failure counts as its policy says: `undefined` when it is left out. Throws AdmissionDenied. */
const askOrFail = async <Answer extends object>(
  round: Round,
  webhook: Webhook,
  place: string,
  call: () => Promise<Answer>,
  phase = 'mutation',
): Promise<Answer | undefined> => {
  const { sideEffects, failurePolicy, name, configuration } = webhook;
  if (round.run.request.dryRun === true && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun')
    throw new AdmissionDenied(dryRunUnsupported(name));
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof WebhookFailure)) throw error;
    if (failurePolicy === 'Fail') throw new AdmissionDenied(callFailed(name, configuration, error.message));
    round.auditAnnotations[`failed-open.${phase}.webhook.admission.k8s.io/${place}`] = name;
    return undefined;
  }
};

/** Keeps what a webhook said, and refuses when it denied. Throws AdmissionDenied. */
const note = (round: Round, { name }: Webhook, response: AdmissionResponse): void => {
  round.warnings.push(...response.warnings);
  for (const [key, value] of Object.entries(response.auditAnnotations))
    round.auditAnnotations[`${name}/${key}`] = value;
  if (!response.allowed) throw new AdmissionDenied(denial(name, response.status));
};
