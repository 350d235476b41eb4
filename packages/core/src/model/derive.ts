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
 * Reads the objects of one kind that are in the mesh's namespaces. Objects that did not change since `earlier` are not
 * read again; when none did, the very same map comes back. `read` gives undefined for objects that do not count; it is told
 * what was read of a former version of the same object.
 */
export function derive<T>(
  input: ObjectsByKey,
  namespaces: ReadonlySet<string>,
  earlier: Derived<T> | undefined,
  read: (object: MeshObject, key: string, former: T | undefined) => T | undefined,
): Derived<T> {
  if (earlier?.input === input && earlier.namespaces === namespaces) return earlier;
  const output = new Map<string, T>();
  let allSame = earlier !== undefined;
  for (const [key, object] of input) {
    if (!namespaces.has(object.metadata.namespace ?? '')) continue;
    const before = earlier?.input.get(key);
    const known = earlier?.output.get(key);
    const same = before !== undefined && known !== undefined && unchanged(before, object);
    // An object that was deleted and made anew is another one.
    const former = before?.metadata.uid === object.metadata.uid ? known : undefined;
    const fresh = same ? known : read(object, key, former);
    if (fresh === undefined) continue;
    const value = share(known, fresh);
    if (value !== known) allSame = false;
    output.set(key, value);
  }
  allSame &&= output.size === earlier?.output.size;
  return { input, namespaces, output: allSame && earlier ? earlier.output : output };
}
