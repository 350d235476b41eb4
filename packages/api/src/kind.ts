import type { z } from 'zod';

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean';
  readonly jsonPath: string;
  readonly description?: string;
}

/** One version of a kind. */
export interface KindVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
}

/** A kind of the mesh's API: one schema, from which come its type, its CRD and its parser. */
export interface Kind<Spec extends z.ZodType = z.ZodType> {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly description: string;
  readonly versions: readonly KindVersion[];
  readonly spec: Spec;
  /** Present when the kind has a status subresource. */
  readonly status?: z.ZodType;
  readonly columns: readonly Column[];
}

/** A fault of an object: `field` is a path such as `spec.rules[0].name`. */
export interface Fault {
  readonly field: string;
  readonly message: string;
}

/** What reading an object gives. */
export type Parsed<T> =
  | { readonly ok: true; readonly spec: T }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Declares a kind. */
export const defineKind = <Spec extends z.ZodType>(kind: Kind<Spec>): Kind<Spec> => Object.freeze(kind);

const fieldPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`),
    'spec',
  );

/**
 * Reads the `spec` of an object of a kind. Unknown fields are left out (the API server has pruned them by the CRD);
 * never throws.
 */
export function parseSpec<Spec extends z.ZodType>(
  kind: Kind<Spec>,
  object: { readonly spec?: unknown },
): Parsed<z.output<Spec>> {
  const result = kind.spec.safeParse(object.spec ?? {});
  if (result.success) return { ok: true, spec: result.data };
  return {
    ok: false,
    faults: result.error.issues.map((issue) => ({ field: fieldPath(issue.path), message: issue.message })),
  };
}
