import type { KubeClient, ResourceType } from '@osm/kube';
import { at, list, text, texts } from '../../store/fields.ts';

/** A type whose objects can be listed, watched and deleted. */
export interface FoundType extends ResourceType {
  /** Whether all of a namespace can be deleted at once. */
  readonly deletesCollections: boolean;
}

/** What the API serves, and which groups did not answer. */
export interface Discovered {
  readonly types: readonly FoundType[];
  readonly failed: readonly string[];
}

const NEEDED = ['list', 'watch', 'delete', 'get'];

/** The types in one APIResourceList. */
export const typesOf = (resources: unknown, group: string, version: string): readonly FoundType[] =>
  list(at(resources, 'resources')).flatMap((resource) => {
    const name = text(at(resource, 'name'));
    const verbs = texts(at(resource, 'verbs'));
    if (name === '' || name.includes('/') || !NEEDED.every((verb) => verbs.includes(verb))) return [];
    const kind = text(at(resource, 'kind'));
    const namespaced = at(resource, 'namespaced') === true;
    return [
      { group, version, resource: name, kind, namespaced, deletesCollections: verbs.includes('deletecollection') },
    ];
  });

/**
 * Asks the API what it serves: each group in its preferred version (Kubernetes docs, "The Kubernetes API: Discovery"). A group
 * that does not answer is reported; rejects with ApiError when the list of groups cannot be had.
 */
export const discover = async (client: KubeClient): Promise<Discovered> => {
  const groups = list(at(await client.raw('GET', '/apis'), 'groups')).map((group) => ({
    name: text(at(group, 'name')),
    version: text(at(group, 'preferredVersion', 'version')),
  }));
  const failed: string[] = [];
  const found = await Promise.all(
    [{ name: '', version: 'v1' }, ...groups].map(async ({ name, version }) => {
      const path = name === '' ? `/api/${version}` : `/apis/${name}/${version}`;
      try {
        return typesOf(await client.raw('GET', path), name, version);
      } catch {
        failed.push(`${name}/${version}`);
        return [];
      }
    }),
  );
  return { types: found.flat(), failed };
};
