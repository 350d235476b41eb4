import { notAcceptable } from './errors.ts';

/** The form in which a client wants objects. */
export interface Form {
  readonly as: 'object' | 'table' | 'metadata';
  /** Version of meta.k8s.io for tables and metadata. */
  readonly version: 'v1' | 'v1beta1';
}

const PLAIN: Form = Object.freeze({ as: 'object', version: 'v1' });

/** One media type of an Accept header with its parameters. */
export interface MediaType {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Media types of an Accept header, most wanted first. */
export const mediaTypes = (accept: string | undefined): readonly MediaType[] =>
  (accept ?? '*/*')
    .split(',')
    .map((item) => {
      const [type = '', ...parameters] = item.split(';').map((part) => part.trim());
      const pairs = parameters.map((parameter) => {
        const [name = '', value = ''] = parameter.split('=');
        return [name.trim().toLowerCase(), value.trim()] as const;
      });
      return { type: type.toLowerCase(), parameters: new Map(pairs) };
    })
    .sort((left, right) => quality(right) - quality(left));

const quality = ({ parameters }: MediaType): number => {
  const q = Number(parameters.get('q') ?? '1');
  return Number.isNaN(q) ? 1 : q;
};

const JSON_TYPES = new Set(['application/json', 'application/*', '*/*', '']);

/**
 * The best form this server has for an Accept header: JSON, as objects, tables or metadata only. Throws NotAcceptable
 * when the client takes nothing of that; protobuf is passed over, every client that asks for it takes JSON too.
 */
export const negotiate = (accept: string | undefined): Form => {
  for (const { type, parameters } of mediaTypes(accept)) {
    if (!JSON_TYPES.has(type)) continue;
    const as = parameters.get('as');
    if (as === undefined) return PLAIN;
    const version = parameters.get('v');
    if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table') return { as: 'table', version };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { as: 'metadata', version };
  }
  throw notAcceptable();
};
