import type { MeshObject, ObjectsByKey } from './objects.ts';
import { share } from './sharing.ts';

/** What was read from the objects of one kind, and from which. */
export interface Derived<T> {
  readonly input: ObjectsByKey;
  readonly namespaces: ReadonlySet<string>;
  /** By the keys of the objects, in their order. */
  readonly output: ReadonlyMap<string, T>;
}

const unchanged = (a: MeshObject, b: MeshObject): boolean =>
  a === b ||
  (a.metadata.resourceVersion !== undefined &&
    a.metadata.resourceVersion === b.metadata.resourceVersion &&
    a.metadata.uid === b.metadata.uid);

/**
 * Reads the objects of one kind that are in the mesh's namespaces. Objects that did not change since `former` are not
 * read again; when none did, the very same map comes back. `read` gives undefined for objects that do not count.
 */
export function derive<T>(
  input: ObjectsByKey,
  namespaces: ReadonlySet<string>,
  former: Derived<T> | undefined,
  read: (object: MeshObject, key: string) => T | undefined,
): Derived<T> {
  if (former?.input === input && former.namespaces === namespaces) return former;
  const output = new Map<string, T>();
  let same = former !== undefined;
  for (const [key, object] of input) {
    if (!namespaces.has(object.metadata.namespace ?? '')) continue;
    const before = former?.input.get(key);
    const known = former?.output.get(key);
    const fresh = before !== undefined && known !== undefined && unchanged(before, object) ? known : read(object, key);
    if (fresh === undefined) continue;
    const value = share(known, fresh);
    if (value !== known) same = false;
    output.set(key, value);
  }
  same &&= output.size === former?.output.size;
  return { input, namespaces, output: same && former ? former.output : output };
}
