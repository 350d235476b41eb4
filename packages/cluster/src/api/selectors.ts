import type { KubeObject } from '@osm/kube';
import { at } from '../store/fields.ts';
import type { ServedType } from '../types.ts';
import { badRequest } from './errors.ts';

/** Decides whether an object is selected. */
export type Selector = (object: KubeObject) => boolean;

type Requirement = (labels: Readonly<Record<string, string>>) => boolean;

const KEY = /^([A-Za-z0-9][-A-Za-z0-9_.]*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Reads a label selector (`a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1,j<2`). Throws BadRequest with the part that is wrong.
 * Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors.
 */
export const labelSelector = (selector: string): Selector => {
  const requirements = splitOutsideParentheses(selector).map((part) => requirement(part.trim(), selector));
  return (object) => {
    const labels = object.metadata.labels ?? NO_LABELS;
    return requirements.every((holds) => holds(labels));
  };
};

const requirement = (part: string, selector: string): Requirement => {
  const wrong = (why: string) => badRequest(`unable to parse requirement: ${why} in label selector "${selector}"`);
  const key = (name: string): string => {
    if (!KEY.test(name) || name.length > 317) throw wrong(`invalid label key "${name}"`);
    return name;
  };
  const value = (text: string): string => {
    if (!VALUE.test(text) || text.length > 63) throw wrong(`invalid label value "${text}"`);
    return text;
  };
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
  if (set !== null) {
    const [, name = '', operator, items = ''] = set;
    const label = key(name);
    const values = new Set(items.split(',').map((item) => value(item.trim())));
    if (operator === 'in') return (labels) => has(labels, label) && values.has(labels[label] ?? '');
    return (labels) => !has(labels, label) || !values.has(labels[label] ?? '');
  }
  const pair = /^([^=!<>\s]+)\s*(==|=|!=|>|<)\s*(\S*)$/.exec(part);
  if (pair !== null) return compare(key(pair[1] ?? ''), pair[2] ?? '', pair[3] ?? '', value, wrong);
  const absent = /^!\s*(\S+)$/.exec(part);
  if (absent !== null) {
    const label = key(absent[1] ?? '');
    return (labels) => !has(labels, label);
  }
  const label = key(part);
  return (labels) => has(labels, label);
};

const compare = (
  label: string,
  operator: string,
  given: string,
  value: (text: string) => string,
  wrong: (why: string) => Error,
): Requirement => {
  if (operator === '>' || operator === '<') {
    const bound = Number(given);
    if (!/^-?\d+$/.test(given)) throw wrong(`for ">" and "<" the value must be an integer, got "${given}"`);
    return (labels) => {
      const found = Number(labels[label] ?? 'NaN');
      return operator === '>' ? found > bound : found < bound;
    };
  }
  const wanted = value(given);
  if (operator === '!=') return (labels) => !has(labels, label) || labels[label] !== wanted;
  return (labels) => has(labels, label) && labels[label] === wanted;
};

const has = (labels: Readonly<Record<string, string>>, label: string): boolean => Object.hasOwn(labels, label);

const splitOutsideParentheses = (selector: string): string[] => {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of selector) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  parts.push(part);
  return selector.trim() === '' ? [] : parts;
};

/** Fields by which each kind can be selected, besides name and namespace; `*` stands for what the path below it says. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  nodes: ['spec.unschedulable'],
  namespaces: ['status.phase'],
  secrets: ['type'],
  replicasets: ['status.replicas'],
  jobs: ['status.successful'],
};

const EVENT_FIELDS = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
  'reason',
  'reportingComponent',
  'source',
  'type',
];

const supportedFields = (type: ServedType): readonly string[] => {
  if (type.resource !== 'events' || type.custom) return type.custom ? [] : (FIELDS[type.resource] ?? []);
  if (type.group === '') return EVENT_FIELDS;
  return EVENT_FIELDS.map((field) =>
    field.replace('involvedObject', 'regarding').replace('reportingComponent', 'reportingController'),
  );
};

const fieldValue = (object: KubeObject, path: string): string => {
  if (path === 'source') return String(at(object, 'source', 'component') ?? object.reportingComponent ?? '');
  if (path === 'status.successful') return String(at(object, 'status', 'succeeded') ?? 0);
  const value = at(object, ...path.split('.'));
  if (value === undefined || value === null)
    return path === 'spec.unschedulable' || path === 'spec.hostNetwork' ? 'false' : '';
  return String(value);
};

/** Reads a field selector (`metadata.name=a,status.phase!=Running`). Throws BadRequest for a field the kind has not. */
export const fieldSelector = (selector: string, type: ServedType): Selector => {
  const supported = new Set(['metadata.name', 'metadata.namespace', ...supportedFields(type)]);
  const terms = selector
    .split(',')
    .filter((term) => term.trim() !== '')
    .map((term) => {
      const match = /^\s*([^=!\s]+)\s*(==|=|!=)(.*)$/.exec(term);
      if (match === null) throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`);
      const [, path = '', operator, value = ''] = match;
      if (!supported.has(path))
        throw badRequest(
          supported.size > 2
            ? `field label not supported: ${path}: ${type.resource} can be selected by ${[...supported].sort().join(', ')}`
            : `"${path}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
        );
      return { path, negated: operator === '!=', value: value.trim() };
    });
  return (object) => terms.every(({ path, negated, value }) => (fieldValue(object, path) === value) !== negated);
};
