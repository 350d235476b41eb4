import type { KubeObject } from '@osm/kube';
import { at, list, record, text, texts } from '../store/fields.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

const CONDITIONS: readonly Condition[] = [
  { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
  {
    type: 'Established',
    status: 'True',
    reason: 'InitialNamesAccepted',
    message: 'the initial names have been accepted',
  },
];

/** Second precision, as every time of the API. */
const stamp = (now: Date): string => `${now.toISOString().slice(0, 19)}Z`;

/** The names of a definition with those it leaves out: the singular and the kind of lists. */
export const namesOf = (crd: KubeObject): Readonly<Record<string, unknown>> => {
  const names = record(at(crd, 'spec', 'names'));
  const kind = text(names.kind);
  return {
    ...names,
    singular: text(names.singular) || kind.toLowerCase(),
    listKind: text(names.listKind) || `${kind}List`,
  };
};

/** The version in which objects are stored; '' when the definition names none. */
export const storageVersionOf = (crd: KubeObject): string =>
  text(
    at(
      list(at(crd, 'spec', 'versions')).find((version) => at(version, 'storage') === true),
      'name',
    ),
  );

/** A name that somebody else has: the field of `spec.names`, and the name. */
export interface NameConflict {
  readonly field: 'plural' | 'kind';
  readonly name: string;
}

const NO_NAMES = 'not all names are accepted';

/** The conditions of a definition whose names are taken: it stays, and is not served until they are free. */
const refused = ({ field, name }: NameConflict): readonly Condition[] => [
  {
    type: 'NamesAccepted',
    status: 'False',
    reason: `${field === 'kind' ? 'Kind' : 'Plural'}Conflict`,
    message: `${JSON.stringify(name)} is already in use`,
  },
  { type: 'Established', status: 'False', reason: 'NotAccepted', message: NO_NAMES },
];

/** True when the names of a definition are its own, so that it is served. */
export const isAccepted = (crd: KubeObject): boolean =>
  list(at(crd, 'status', 'conditions')).some(
    (condition) => at(condition, 'type') === 'NamesAccepted' && at(condition, 'status') === 'True',
  );

const isSame = (present: unknown, wanted: Condition): boolean =>
  at(present, 'type') === wanted.type && at(present, 'status') === wanted.status;

/**
 * The status of a definition, which is served unless its names are another's: conditions NamesAccepted and Established, the accepted names and every version
 * in which objects may be stored (apiextensions.k8s.io/v1 CustomResourceDefinitionStatus). A condition that held before
 * keeps its time, and conditions of others stay.
 */
export const crdStatus = (crd: KubeObject, now: Date, conflict?: NameConflict): object => {
  const before = list(at(crd, 'status', 'conditions'));
  const conditions = conflict === undefined ? CONDITIONS : refused(conflict);
  const own = conditions.map(
    (wanted) => before.find((present) => isSame(present, wanted)) ?? { ...wanted, lastTransitionTime: stamp(now) },
  );
  const others = before.filter((present) => !CONDITIONS.some(({ type }) => at(present, 'type') === type));
  const storage = storageVersionOf(crd);
  const stored = texts(at(crd, 'status', 'storedVersions'));
  return {
    conditions: [...own, ...others],
    acceptedNames: conflict === undefined ? namesOf(crd) : { plural: '', kind: '' },
    storedVersions: stored.includes(storage) || storage === '' ? stored : [...stored, storage],
  };
};
