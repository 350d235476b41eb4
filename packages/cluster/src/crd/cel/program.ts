import type { ASTNode } from '@marcbachmann/cel-js';
import { celEnvironment } from './environment.ts';

/** An expression, checked and ready to run. */
export interface Program {
  /** True when the expression speaks of the old value. */
  readonly usesOld: boolean;
  /** The value of the expression. Throws Error when it has none, or when it costs more than `budget` has left. */
  run(variables: { readonly self: unknown; readonly oldSelf?: unknown }, budget: Budget): unknown;
}

/** What evaluation may still cost: one unit for each step, and one for every 32 characters or 4 items that a step makes. */
export interface Budget {
  left: number;
}

/** The budget of all rules of one object: some tenths of a second. */
export const OBJECT_BUDGET = 2_000_000;

/** Programs kept; a definition has a few dozen at most. */
const KEPT = 1000;

/** Longest expression, in characters. */
const LONGEST = 16_384;

interface Evaluator {
  run(node: ASTNode, context: unknown): unknown;
}
type Evaluate = (evaluator: Evaluator, node: unknown, context: unknown) => unknown;
interface Evaluable {
  evaluate: Evaluate;
}
interface Node extends Evaluable {
  readonly op: string;
  readonly args: unknown;
  readonly meta: { readonly evaluate: Evaluate; readonly alternate?: Node; readonly macro?: Evaluable };
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'op' in value && 'meta' in value && 'args' in value;

const costOf = (value: unknown): number => {
  if (typeof value === 'string') return 1 + value.length / 32;
  return Array.isArray(value) ? 1 + value.length / 4 : 1;
};

/** The budget of the evaluation that runs: expressions run to their end at once, one at a time. */
let current: Budget = { left: 0 };

const spend = (cost: number): void => {
  current.left -= cost;
  if (current.left < 0)
    throw new Error('no further validation rules will be run: the cost of the rules is above the limit');
};

/** Where a node's children may stand: lists of arguments, macros, comprehensions. */
const visit = (value: unknown, seen: Set<unknown>, found: (node: Node) => void): void => {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (isNode(value)) {
    found(value);
    visit(value.args, seen, found);
    visit(value.meta.alternate, seen, found);
    visit(value.meta.macro, seen, found);
    return;
  }
  const plain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  if (plain) for (const child of Object.values(value)) visit(child, seen, found);
};

/** Makes every step of an expression pay. The interpreter asks each node to evaluate itself, so that is where it pays. */
const meter = (node: Node): void => {
  const { alternate, macro, evaluate } = node.meta;
  const inner: Evaluate =
    alternate !== undefined
      ? (evaluator, _node, context) => alternate.evaluate(evaluator, alternate, context)
      : macro !== undefined
        ? (evaluator, _node, context) => macro.evaluate(evaluator, macro, context)
        : evaluate;
  node.evaluate = (evaluator, self, context) => {
    spend(1);
    const value = inner(evaluator, self, context);
    spend(costOf(value) - 1);
    return value;
  };
};

/** The first line of an error: the rest shows the place in the expression. */
const reasonOf = (error: unknown): string => (error as Error).message.split('\n')[0] ?? 'unknown error';

const compile = (expression: string): Program => {
  if (expression.length > LONGEST) throw new Error(`longer than ${LONGEST} characters`);
  const parsed = celEnvironment().parse(expression);
  let usesOld = false;
  const nodes: Node[] = [];
  visit(parsed.ast, new Set(), (node) => {
    nodes.push(node);
    if (node.op === 'id' && node.args === 'oldSelf') usesOld = true;
  });
  const checked = parsed.check();
  if (!checked.valid) throw new Error(reasonOf(checked.error));
  for (const node of nodes) meter(node);
  return Object.freeze({
    usesOld,
    run(variables: { readonly self: unknown; readonly oldSelf?: unknown }, budget: Budget): unknown {
      current = budget;
      try {
        return parsed(variables as Record<string, unknown>) as unknown;
      } catch (error) {
        throw new Error(reasonOf(error));
      }
    },
  });
};

const programs = new Map<string, Program | Error>();

/** The program of an expression; the same one each time. Throws Error that says what is wrong with it. */
export const programOf = (expression: string): Program => {
  const known = programs.get(expression);
  if (known instanceof Error) throw known;
  if (known !== undefined) return known;
  if (programs.size >= KEPT) programs.clear();
  try {
    const made = compile(expression);
    programs.set(expression, made);
    return made;
  } catch (error) {
    const told = new Error(reasonOf(error));
    programs.set(expression, told);
    throw told;
  }
};
