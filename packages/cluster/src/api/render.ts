import type { KubeObject } from '@osm/kube';
import { apiVersionOf, fromStored } from '../kinds/index.ts';
import type { StoredObject } from '../store/index.ts';
import type { ServedType } from '../types.ts';
import type { Form } from './negotiate.ts';

/** `metadata` of a list. */
export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** What each row of a table carries of its object. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** How one request wants objects of one type written. */
export interface Rendering {
  readonly type: ServedType;
  readonly form: Form;
  readonly includeObject: IncludeObject;
  readonly now: Date;
}

/** The stored object in the version that `type` serves. */
export const served = (type: ServedType, stored: StoredObject): KubeObject => fromStored(type, stored.object);

/** JSON of a stored object in the served version: the text made when it was stored, wherever that fits. */
export const servedJson = (type: ServedType, stored: StoredObject): string => {
  const object = served(type, stored);
  return object === stored.object ? stored.json : JSON.stringify(object);
};

const metadataOnly = (object: KubeObject, version: string) => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${version}`,
  metadata: object.metadata,
});

const row = ({ type, form, includeObject, now }: Rendering, object: KubeObject) => ({
  cells: type.columns.map(({ cell }) => cell(object, now)),
  ...(includeObject === 'None'
    ? {}
    : { object: includeObject === 'Object' ? object : metadataOnly(object, form.version) }),
});

const table = (rendering: Rendering, objects: readonly KubeObject[], metadata: object, headers = true) => ({
  kind: 'Table',
  apiVersion: `meta.k8s.io/${rendering.form.version}`,
  metadata,
  columnDefinitions: headers
    ? rendering.type.columns.map(({ name, type, format, description, priority }) => ({
        name,
        type,
        format: format ?? '',
        description: description ?? '',
        priority,
      }))
    : [],
  rows: objects.map((object) => row(rendering, object)),
});

/** One object as the client wants it. */
export const renderObject = (rendering: Rendering, object: KubeObject): string => {
  const { as, version } = rendering.form;
  if (as === 'table')
    return JSON.stringify(table(rendering, [object], { resourceVersion: object.metadata.resourceVersion ?? '' }));
  return JSON.stringify(as === 'metadata' ? metadataOnly(object, version) : object);
};

/** A list as the client wants it. */
export const renderList = (rendering: Rendering, items: readonly StoredObject[], metadata: ListMeta): string => {
  const { type, form } = rendering;
  if (form.as === 'table')
    return JSON.stringify(
      table(
        rendering,
        items.map((item) => served(type, item)),
        metadata,
      ),
    );
  const head =
    form.as === 'metadata'
      ? { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.version}`, metadata }
      : { kind: type.listKind, apiVersion: apiVersionOf(type), metadata };
  const texts = items.map((item) =>
    form.as === 'metadata' ? JSON.stringify(metadataOnly(item.object, form.version)) : servedJson(type, item),
  );
  return `${JSON.stringify(head).slice(0, -1)},"items":[${texts.join(',')}]}`;
};

/** One line of a watch. `headers` says whether a table names its columns (the first does). */
export const renderEvent = (rendering: Rendering, event: string, stored: StoredObject, headers: boolean): string => {
  const { type, form } = rendering;
  if (form.as === 'object') return `{"type":"${event}","object":${servedJson(type, stored)}}\n`;
  const object = served(type, stored);
  const body =
    form.as === 'metadata'
      ? metadataOnly(object, form.version)
      : table(rendering, [object], { resourceVersion: object.metadata.resourceVersion }, headers);
  return `{"type":"${event}","object":${JSON.stringify(body)}}\n`;
};

/** A BOOKMARK: nothing but a resource version, in the form of the watch. */
export const renderBookmark = (rendering: Rendering, revision: number, initialEventsEnd: boolean): string => {
  const { type, form } = rendering;
  const metadata = {
    resourceVersion: String(revision),
    creationTimestamp: null,
    ...(initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  };
  const object =
    form.as === 'table'
      ? { ...table(rendering, [], { resourceVersion: String(revision) }, false) }
      : form.as === 'metadata'
        ? { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.version}`, metadata }
        : { kind: type.kind, apiVersion: apiVersionOf(type), metadata };
  return `{"type":"BOOKMARK","object":${JSON.stringify(object)}}\n`;
};
