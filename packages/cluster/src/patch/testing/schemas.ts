import { readFileSync } from 'node:fs';
import { loadBuiltinSchemas } from '../../schema/builtin.ts';
import { readSchema } from '../../schema/structural.ts';
import type { TypeSchema } from '../../types.ts';

const path = new URL('../../../../../gen/kubernetes-schema.json', import.meta.url);
const schemas = loadBuiltinSchemas(JSON.parse(readFileSync(path, 'utf8')));

/** A custom kind with a list and a map of every type. */
const THING = readSchema({
  type: 'object',
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer' },
        hint: { type: 'string', nullable: true },
        tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
        steps: { type: 'array', items: { type: 'string' } },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['port', 'protocol'],
          items: {
            type: 'object',
            properties: {
              port: { type: 'integer' },
              protocol: { type: 'string', default: 'UDP' },
              note: { type: 'string' },
            },
          },
        },
        whole: {
          type: 'object',
          'x-kubernetes-map-type': 'atomic',
          properties: { a: { type: 'string' }, b: { type: 'string' } },
        },
        limits: { type: 'object', additionalProperties: { type: 'string' } },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
});

/** The schema of a kind of Kubernetes, or of `example.com/v1 Thing`. */
export const schemaOf = (apiVersion: string, kind: string): TypeSchema => {
  if (apiVersion === 'example.com/v1') return THING;
  const parts = apiVersion.split('/');
  const [group = '', version = ''] = parts.length === 1 ? ['', ...parts] : parts;
  const schema = schemas.schemaOf(group, version, kind);
  if (schema === undefined) throw new Error(`no schema of ${apiVersion} ${kind}`);
  return schema;
};
