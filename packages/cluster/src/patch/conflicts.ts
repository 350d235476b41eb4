import { type FieldSet, pathTexts } from './field-set.ts';
import type { OwnerIdentity } from './owners.ts';

/** A field that an applier wants to change and that belongs to another manager. */
export interface ApplyConflict {
  /** Name of the manager that owns the field. */
  readonly manager: string;
  /** `.spec.replicas`, `.spec.containers[name="main"].image`. */
  readonly path: string;
  /** `conflict with "NAME" using GROUP/VERSION`. */
  readonly message: string;
}

const ownerText = ({ manager, operation, apiVersion, subresource }: OwnerIdentity): string => {
  const through = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(manager)}${through}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
};

/** The conflicts with one owner. */
export const conflictsWith = (owner: OwnerIdentity, fields: FieldSet): readonly ApplyConflict[] => {
  const message = `conflict with ${ownerText(owner)}`;
  return pathTexts(fields).map((path) => ({ manager: owner.manager, path, message }));
};

/** The message of a refused apply, in the form that kubectl knows how to show; conflicts are grouped by manager. */
export const conflictMessage = (conflicts: readonly ApplyConflict[]): string => {
  const [first, second] = conflicts;
  if (first === undefined) return 'Apply failed';
  if (second === undefined) return `Apply failed with 1 conflict: ${first.message}: ${first.path}`;
  const groups = Map.groupBy(conflicts, ({ message }) => message);
  const lines = [...groups]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([message, group]) => [
      `${message.replace('conflict', 'conflicts')}:`,
      ...group.map(({ path }) => `- ${path}`),
    ]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
};
