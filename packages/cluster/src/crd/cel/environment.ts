import { Environment } from '@marcbachmann/cel-js';
import { registerFormatFunctions } from './format-functions.ts';
import { registerListFunctions } from './list-functions.ts';
import { registerNetworkFunctions } from './network-functions.ts';
import { registerQuantityFunctions } from './quantity-functions.ts';
import { registerStringFunctions } from './string-functions.ts';
import { registerUrlFunctions } from './url-functions.ts';

/** Bounds of an expression; those of Kubernetes are about cost, which is bounded when the expression runs. */
const LIMITS = { maxAstNodes: 10_000, maxDepth: 64, maxListElements: 500, maxMapEntries: 500, maxCallArguments: 16 };

let made: Environment | undefined;

/**
 * The language of `x-kubernetes-validations`: CEL with the libraries of Kubernetes
 * (https://kubernetes.io/docs/reference/using-api/cel/). `self` and `oldSelf` are typed when they are read.
 */
export const celEnvironment = (): Environment => {
  if (made !== undefined) return made;
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: LIMITS,
  });
  environment.registerVariable('self', 'dyn');
  environment.registerVariable('oldSelf', 'dyn');
  registerStringFunctions(environment);
  registerListFunctions(environment);
  registerNetworkFunctions(environment);
  registerUrlFunctions(environment);
  registerQuantityFunctions(environment);
  registerFormatFunctions(environment);
  made = environment;
  return environment;
};

/** A duration such as `1h30m` as a CEL value. Throws Error when it is not one. */
export const readDuration = (text: string): unknown => {
  durationOf ??= celEnvironment().parse('duration(self)');
  return durationOf({ self: text });
};

let durationOf: ReturnType<Environment['parse']> | undefined;
