import { isRecord } from '../store/fields.ts';
import { elementText, isPathElement, type PathElement } from './path-element.ts';

/**
 * A set of field paths in the form of `fieldsV1`: a tree whose edges are path elements. A node without children is a member; a
 * node with children is a member when it has the edge `.`. The root stands for the object itself and is no member. Sets are
 * immutable and share their parts.
 */
export interface FieldSet {
  readonly [element: PathElement]: FieldSet;
}

/** The same while it is built. */
export interface MutableFieldSet {
  [element: PathElement]: MutableFieldSet;
}

const SELF = '.';

/** The set without paths, and the node of a member without children. */
export const EMPTY_SET: FieldSet = Object.freeze({});

/** True for a set without paths. Must not be asked of an inner node, where it means a member without children. */
export const isEmptySet = (set: FieldSet): boolean => {
  for (const _ in set) return false;
  return true;
};

const isMember = (node: FieldSet): boolean => node[SELF] !== undefined || isEmptySet(node);

/** The node with its children and its membership; `undefined` when neither is left. */
const nodeOf = (children: MutableFieldSet, member: boolean): FieldSet | undefined => {
  if (isEmptySet(children)) return member ? EMPTY_SET : undefined;
  return member ? { [SELF]: EMPTY_SET, ...children } : children;
};

/** Adds a path to a set that is being built; with `node`, everything below as well. */
export const insertPath = (set: MutableFieldSet, path: readonly PathElement[], node: FieldSet = EMPTY_SET): void => {
  let here = set;
  for (const [depth, element] of path.entries()) {
    const next = here[element];
    if (depth === path.length - 1) here[element] = (next === undefined ? node : unite(next, node)) as MutableFieldSet;
    else if (next === undefined) here = here[element] = {};
    else {
      // A member that gets children must say that it still is one.
      here = here[element] = isEmptySet(next) ? { [SELF]: {} } : Object.isFrozen(next) ? { ...next } : next;
    }
  }
};

/** Paths of either set. */
export const union = (left: FieldSet, right: FieldSet): FieldSet => {
  if (left === right || isEmptySet(right)) return left;
  if (isEmptySet(left)) return right;
  const result: Record<PathElement, FieldSet> = { ...left };
  for (const element in right) {
    const other = right[element] as FieldSet;
    const own = left[element];
    result[element] = own === undefined ? other : element === SELF ? own : unite(own, other);
  }
  return result;
};

/** The union of two inner nodes, where an empty node is a member. */
const unite = (left: FieldSet, right: FieldSet): FieldSet => {
  if (left === right) return left;
  if (isEmptySet(left)) return isMember(right) ? right : { [SELF]: EMPTY_SET, ...right };
  if (isEmptySet(right)) return isMember(left) ? left : { [SELF]: EMPTY_SET, ...left };
  return union(left, right);
};

/** Paths of the left set that the right one does not have. Children of a path that goes stay. */
export const difference = (left: FieldSet, right: FieldSet): FieldSet => {
  let result: MutableFieldSet | undefined;
  for (const element in right) {
    const own = left[element];
    if (own === undefined || element === SELF) continue;
    const rest = subtract(own, right[element] as FieldSet);
    if (rest === own) continue;
    result ??= { ...left } as MutableFieldSet;
    if (rest === undefined) delete result[element];
    else result[element] = rest as MutableFieldSet;
  }
  return result ?? left;
};

const subtract = (left: FieldSet, right: FieldSet): FieldSet | undefined => {
  const member = isMember(left);
  const loses = member && isMember(right);
  const children = difference(left, right);
  if (!loses && children === left) return left;
  const { [SELF]: _self, ...rest } = children as MutableFieldSet;
  return nodeOf(rest, member && !loses);
};

/** Paths of both sets. */
export const intersection = (left: FieldSet, right: FieldSet): FieldSet => {
  if (left === right) return left;
  const result: MutableFieldSet = {};
  for (const element in left) {
    const other = right[element];
    if (other === undefined || element === SELF) continue;
    const own = left[element] as FieldSet;
    const common = nodeOf(intersection(own, other) as MutableFieldSet, isMember(own) && isMember(other));
    if (common !== undefined) result[element] = common as MutableFieldSet;
  }
  return result;
};

/**
 * The set with every field on the way to one of its paths (not the items of lists: those exist by themselves)
 * as a member.
 */
export const withParents = (set: FieldSet): FieldSet => {
  const result: MutableFieldSet = {};
  for (const element in set) {
    const node = set[element] as FieldSet;
    if (element === SELF || isEmptySet(node)) result[element] = node as MutableFieldSet;
    else {
      const children = withParents(node) as MutableFieldSet;
      result[element] =
        element.startsWith('f:') && children[SELF] === undefined ? { [SELF]: {}, ...children } : children;
    }
  }
  return result;
};

/** True when the element is a member. */
export const hasElement = (set: FieldSet, element: PathElement): boolean => {
  const node = set[element];
  return node !== undefined && isMember(node);
};

/** The paths below an element, as a set of its own. */
export const below = (set: FieldSet, element: PathElement): FieldSet => {
  const node = set[element];
  if (node === undefined) return EMPTY_SET;
  if (node[SELF] === undefined) return node;
  const { [SELF]: _self, ...children } = node;
  return children;
};

/** Every path as people read it, `.spec.containers[name="main"].image`: shorter ones first, then by name. */
export const pathTexts = (set: FieldSet, prefix = ''): readonly string[] => {
  const elements = Object.keys(set)
    .filter((element) => element !== SELF)
    .sort();
  const own = elements.filter((element) => hasElement(set, element)).map((element) => prefix + elementText(element));
  const deeper = elements.flatMap((element) => pathTexts(set[element] as FieldSet, prefix + elementText(element)));
  return [...own, ...deeper];
};

/** True when both hold the same paths. */
export const sameSet = (left: FieldSet, right: FieldSet): boolean => {
  if (left === right) return true;
  let size = 0;
  for (const element in left) {
    const other = right[element];
    if (other === undefined || !sameSet(left[element] as FieldSet, other)) return false;
    size += 1;
  }
  for (const _ in right) size -= 1;
  return size === 0;
};

/** Deeper paths than any kind has are no paths. */
const MAX_DEPTH = 100;

/** Reads `fieldsV1` that a client sent; `undefined` when it is none. */
export const readFieldSet = (value: unknown, depth = 0): FieldSet | undefined => {
  if (!isRecord(value) || depth > MAX_DEPTH) return undefined;
  for (const [element, node] of Object.entries(value)) {
    if (element === SELF ? !isRecord(node) || !isEmptySet(node as FieldSet) : !isPathElement(element)) return undefined;
    if (readFieldSet(node, depth + 1) === undefined) return undefined;
  }
  return value as FieldSet;
};
