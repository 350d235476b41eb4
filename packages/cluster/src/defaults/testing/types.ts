import { readFileSync } from 'node:fs';
import { builtinTypes } from '../../kinds/index.ts';
import { loadBuiltinSchemas } from '../../schema/builtin.ts';
import type { ServedType } from '../../types.ts';

const schemas = loadBuiltinSchemas(
  JSON.parse(readFileSync(new URL('../../../../../gen/kubernetes-schema.json', import.meta.url), 'utf8')),
);

/** Every built-in type that the API serves. */
export const TYPES: readonly ServedType[] = builtinTypes((group, version, kind) =>
  schemas.schemaOf(group, version, kind),
);

/** The type of a kind: `Pod`, `Deployment`. Throws when it is not served. */
export const typeOf = (kind: string): ServedType => {
  const found = TYPES.find((type) => type.kind === kind);
  if (found === undefined) throw new Error(`no kind ${kind}`);
  return found;
};

/** An object of a kind with a name. */
export const objectOf = (type: ServedType, fields: object = {}, metadata: object = {}): Record<string, unknown> => ({
  apiVersion: type.group === '' ? type.version : `${type.group}/${type.version}`,
  kind: type.kind,
  metadata: { name: 'one', ...(type.namespaced ? { namespace: 'default' } : {}), ...metadata },
  ...fields,
});
