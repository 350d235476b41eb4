import { apiVersionOf, REVIEW_TYPES, type ReviewType } from '../kinds/index.ts';
import type { ServedType } from '../types.ts';

/** One API group as discovery shows it. */
export interface ServedGroup {
  readonly name: string;
  /** Preferred version first. */
  readonly versions: readonly string[];
}

/** `group/version/resource`. */
const keyOf = (group: string, version: string, resource: string): string => `${group}/${version}/${resource}`;

/**
 * The resource types that the API serves now: the built-in ones and those of CustomResourceDefinitions. `generation`
 * grows with each change, so that discovery and OpenAPI documents can be made once and kept.
 */
export class Registry {
  readonly #builtin: readonly ServedType[];
  readonly #custom = new Map<string, readonly ServedType[]>();
  readonly #builtinGroups: readonly string[];
  #byKey = new Map<string, ServedType>();
  #generation = 0;

  constructor(builtin: readonly ServedType[]) {
    this.#builtin = builtin;
    this.#builtinGroups = [...new Set([...builtin, ...REVIEW_TYPES].map(({ group }) => group))];
    this.#index();
  }

  get generation(): number {
    return this.#generation;
  }

  /** Every served type, one entry per version. */
  get types(): readonly ServedType[] {
    return [...this.#byKey.values()];
  }

  find(group: string, version: string, resource: string): ServedType | undefined {
    return this.#byKey.get(keyOf(group, version, resource));
  }

  /** The type of a kind in a group and version, as `apiVersion` and `kind` of an object name it. */
  findKind(apiVersion: string, kind: string): ServedType | undefined {
    return this.types.find((type) => type.kind === kind && apiVersionOf(type) === apiVersion);
  }

  /** The preferred version of a resource: what references without a version mean. */
  preferred(group: string, resource: string): ServedType | undefined {
    const versions = this.groups.find(({ name }) => name === group)?.versions ?? [];
    return versions.map((version) => this.find(group, version, resource)).find((type) => type !== undefined);
  }

  /** The kind that is asked, not stored, at this place. */
  review(group: string, version: string, resource: string): ReviewType | undefined {
    return REVIEW_TYPES.find((type) => type.group === group && type.version === version && type.resource === resource);
  }

  /** Serves the types of a CustomResourceDefinition; an empty list stops serving them. */
  setCustom(definition: string, types: readonly ServedType[]): void {
    if (types.length === 0) this.#custom.delete(definition);
    else this.#custom.set(definition, types);
    this.#index();
  }

  /** The types that a CustomResourceDefinition has brought. */
  custom(definition: string): readonly ServedType[] {
    return this.#custom.get(definition) ?? [];
  }

  /** Every group, the core group included as ''; built-in groups first. */
  get groups(): readonly ServedGroup[] {
    const versions = new Map<string, Set<string>>(this.#builtinGroups.map((group) => [group, new Set<string>()]));
    for (const { group, version } of [...this.#byKey.values(), ...REVIEW_TYPES]) {
      const found = versions.get(group) ?? new Set<string>();
      versions.set(group, found.add(version));
    }
    return [...versions].map(([name, found]) => ({ name, versions: [...found].sort(byPriority) }));
  }

  #index(): void {
    const all = [...this.#builtin, ...[...this.#custom.values()].flat()];
    this.#byKey = new Map(all.map((type) => [keyOf(type.group, type.version, type.resource), type]));
    this.#generation += 1;
  }
}

/** Order of versions: v2 > v1 > v1beta2 > v1beta1 > v1alpha1, then by name (the rule of Kubernetes version priority). */
const byPriority = (left: string, right: string): number => {
  const a = rank(left);
  const b = rank(right);
  for (const [index, value] of a.entries()) {
    const difference = (b[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  return left < right ? -1 : 1;
};

const rank = (version: string): readonly number[] => {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return [0, 0, 0];
  const stage = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return [stage, Number(match[1]), Number(match[3] ?? 0)];
};
