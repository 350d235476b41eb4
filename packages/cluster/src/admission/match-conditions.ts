import type { Environment } from '@marcbachmann/cel-js';
import { celEnvironment } from '../crd/cel/environment.ts';
import type { AdmissionRequest } from './request.ts';
import type { MatchCondition } from './webhook.ts';

type Program = ReturnType<Environment['parse']>;

let made: Environment | undefined;

/** CEL with the libraries of Kubernetes and the variables of match conditions. */
const environment = (): Environment => {
  if (made !== undefined) return made;
  made = celEnvironment()
    .clone()
    .registerVariable('object', 'dyn')
    .registerVariable('oldObject', 'dyn')
    .registerVariable('request', 'dyn');
  return made;
};

const programs = new WeakMap<MatchCondition, Program>();

const programOf = (condition: MatchCondition): Program => {
  const known = programs.get(condition);
  if (known !== undefined) return known;
  const program = environment().parse(condition.expression);
  programs.set(condition, program);
  return program;
};

/** Why an expression cannot be one of a match condition; '' when it can. */
export const expressionFault = (expression: string): string => {
  try {
    environment().parse(expression);
    return '';
  } catch (cause) {
    return (cause as Error).message.split('\n')[0] ?? '';
  }
};

/** What match conditions say: all hold, one does not, or (when none says no) one cannot be evaluated. */
export type Verdict = { readonly match: boolean } | { readonly error: string };

/**
 * Evaluates a webhook's match conditions
 * (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-matchconditions).
 * The variable `authorizer` is not offered.
 */
export const matchConditions = (conditions: readonly MatchCondition[], request: AdmissionRequest): Verdict => {
  if (conditions.length === 0) return { match: true };
  const { object, oldObject, ...rest } = request;
  const values = { object: toCel(object), oldObject: toCel(oldObject), request: toCel(rest) };
  let error: string | undefined;
  for (const condition of conditions) {
    try {
      const result: unknown = programOf(condition)(values);
      if (result === false) return { match: false };
      if (result !== true) error ??= `match condition "${condition.name}" gives no boolean`;
    } catch (cause) {
      const [why = ''] = (cause as Error).message.split('\n');
      error ??= `match condition "${condition.name}" cannot be evaluated: ${why}`;
    }
  }
  return error === undefined ? { match: true } : { error };
};

/** A JSON value as CEL knows it: whole numbers are ints. */
const toCel = (value: unknown): unknown => {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toCel(item)]));
};
