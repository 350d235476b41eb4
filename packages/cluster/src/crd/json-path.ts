import { isRecord } from '../store/fields.ts';

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly from: number; readonly to: number | undefined; readonly single: boolean }
  | { readonly kind: 'all' }
  | { readonly kind: 'descend'; readonly name: string }
  | { readonly kind: 'filter'; readonly left: readonly Step[]; readonly operator: string; readonly right: unknown };

/** A path in an object, ready to be followed. */
export type JsonPath = readonly Step[];

const NAME = /^(?:[^.[\]\\'"@?()*\s]|\\.)+/;
const FILTER =
  /^\[\?\(\s*@((?:[^=!<>~)]|\\.)*?)\s*(?:(==|!=|<=|>=|<|>)\s*('[^']*'|"[^"]*"|-?\d+(?:\.\d+)?|true|false|null))?\s*\)\]/;
const QUOTED = /^\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/;
const SLICE = /^\[(-?\d*)(?:(:)(-?\d*))?\]/;

/** Longest path, in characters. */
const LONGEST = 1024;

const withoutEscapes = (name: string): string => name.replaceAll(/\\(.)/g, '$1');

const literal = (text: string): unknown => {
  if (text.startsWith("'") || text.startsWith('"')) return text.slice(1, -1);
  return JSON.parse(text);
};

const readFilter = (match: RegExpExecArray): Step => ({
  kind: 'filter',
  left: readSteps((match[1] ?? '').trim()),
  operator: match[2] ?? 'exists',
  right: match[3] === undefined ? undefined : literal(match[3]),
});

const readIndex = (match: RegExpExecArray): Step => {
  const [, from = '', colon, to = ''] = match;
  if (colon === undefined && from === '') throw new Error('an index is missing in []');
  return {
    kind: 'index',
    from: from === '' ? 0 : Number(from),
    to: to === '' ? undefined : Number(to),
    single: colon === undefined,
  };
};

/** One step at the beginning of `rest`, and how many characters it takes. */
const readStep = (rest: string): readonly [Step, number] => {
  const filter = FILTER.exec(rest);
  if (filter !== null) return [readFilter(filter), filter[0].length];
  const quoted = QUOTED.exec(rest);
  if (quoted !== null) return [{ kind: 'field', name: withoutEscapes(quoted[1] ?? quoted[2] ?? '') }, quoted[0].length];
  if (rest.startsWith('[*]')) return [{ kind: 'all' }, 3];
  const slice = SLICE.exec(rest);
  if (slice !== null) return [readIndex(slice), slice[0].length];
  if (rest.startsWith('.*')) return [{ kind: 'all' }, 2];
  const dots = rest.startsWith('..') ? 2 : rest.startsWith('.') ? 1 : 0;
  const name = NAME.exec(rest.slice(dots));
  if (dots === 0 || name === null) throw new Error(`unexpected ${JSON.stringify(rest.slice(0, 20))}`);
  return [{ kind: dots === 2 ? 'descend' : 'field', name: withoutEscapes(name[0]) }, dots + name[0].length];
};

const readSteps = (path: string): JsonPath => {
  const steps: Step[] = [];
  let rest = path;
  while (rest !== '') {
    const [step, length] = readStep(rest);
    steps.push(step);
    rest = rest.slice(length);
  }
  return Object.freeze(steps);
};

/**
 * Reads the JSONPath of a printer column: `.spec.size`, `.items[0]`, `.status.conditions[?(@.type=="Ready")].status`,
 * `..name`, `[*]`, `['a.b']` (https://kubernetes.io/docs/reference/kubectl/jsonpath/, without ranges). Throws Error.
 */
export const readJsonPath = (path: string): JsonPath => {
  if (path.length > LONGEST) throw new Error(`longer than ${LONGEST} characters`);
  return readSteps(path);
};

const childrenOf = (value: unknown): readonly unknown[] => {
  if (Array.isArray(value)) return value;
  return isRecord(value) ? Object.values(value) : [];
};

const descendants = (value: unknown, name: string): readonly unknown[] => [
  ...(isRecord(value) && Object.hasOwn(value, name) ? [value[name]] : []),
  ...childrenOf(value).flatMap((child) => descendants(child, name)),
];

const compare = (left: unknown, operator: string, right: unknown): boolean => {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) return false;
  const difference = left < (right as typeof left) ? -1 : left > (right as typeof left) ? 1 : 0;
  if (operator === '<') return difference < 0;
  if (operator === '<=') return difference <= 0;
  return operator === '>' ? difference > 0 : difference >= 0;
};

const matches = (value: unknown, step: Extract<Step, { kind: 'filter' }>): boolean => {
  const found = followJsonPath(step.left, value);
  if (step.operator === 'exists') return found.length > 0;
  return found.length > 0 && compare(found[0], step.operator, step.right);
};

const follow = (step: Step, value: unknown): readonly unknown[] => {
  switch (step.kind) {
    case 'field':
      return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'all':
      return childrenOf(value);
    case 'descend':
      return descendants(value, step.name);
    case 'index': {
      if (!Array.isArray(value)) return [];
      if (!step.single) return value.slice(step.from, step.to);
      const found: unknown = value.at(step.from);
      return found === undefined ? [] : [found];
    }
    case 'filter':
      return childrenOf(value).filter((child) => matches(child, step));
  }
};

/** Every value at a path, in order; none when the path leads nowhere. */
export const followJsonPath = (path: JsonPath, value: unknown): readonly unknown[] => {
  let found: readonly unknown[] = [value];
  for (const step of path) found = found.flatMap((here) => follow(step, here));
  return found;
};
