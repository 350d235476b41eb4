import type { Duplex } from 'node:stream';
import type { KubeObject, ResourceType } from '@osm/kube';

/**
 * Contracts between the rooms of the embedded cluster: schema, patch, crd, admission, kinds (pure) on one side;
 * store, api, node, kubelet (I/O) on the other.
 */

/**
 * A structural schema node: the subset of OpenAPI v3 that Kubernetes calls structural, with the list and map markers
 * of structured-merge-diff. One form for built-in kinds (from the published Kubernetes schema) and for CRDs.
 * `ref` is resolved lazily so that recursive types (JSONSchemaProps) are finite.
 */
export interface TypeSchema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly properties?: ReadonlyMap<string, TypeSchema>;
  readonly required?: readonly string[];
  readonly items?: TypeSchema;
  /** Schema of a map's values; `true` allows anything. */
  readonly additionalProperties?: TypeSchema | true;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  /** `x-kubernetes-int-or-string`. */
  readonly intOrString?: boolean;
  /** `x-kubernetes-preserve-unknown-fields`. */
  readonly preserveUnknownFields?: boolean;
  /** `x-kubernetes-embedded-resource`. */
  readonly embeddedResource?: boolean;
  /** `x-kubernetes-list-type`; absent means atomic. */
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  /** `x-kubernetes-patch-merge-key` / `-strategy` (strategic merge patch; built-in kinds only). */
  readonly patchMergeKey?: string;
  readonly patchStrategy?: readonly ('merge' | 'replace' | 'retainKeys')[];
  /** `x-kubernetes-validations` (CEL rules; CRDs only). */
  readonly validations?: readonly {
    readonly rule: string;
    readonly message?: string;
    readonly messageExpression?: string;
    readonly reason?: string;
    readonly fieldPath?: string;
    readonly optionalOldSelf?: boolean;
  }[];
  /** Everything else of the OpenAPI node (pattern, minimum, format, oneOf, …) for value validation and publishing. */
  readonly openapi: Readonly<Record<string, unknown>>;
}

/** One fault of an object, in the field-path notation of the API server (`spec.containers[0].name`). */
export interface FieldFault {
  readonly path: string;
  /** Status cause reason: FieldValueInvalid, FieldValueRequired, FieldValueNotSupported, FieldValueDuplicate, FieldValueForbidden, FieldValueTypeInvalid. */
  readonly reason: string;
  readonly message: string;
}

/** One column of `kubectl get` (meta.k8s.io/v1 Table). */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description?: string;
  /** 0 shows always; above 0 only with -o wide. */
  readonly priority: number;
  /** The cell of an object; `now` is given so that the function stays pure. */
  readonly cell: (object: KubeObject, now: Date) => string | number | boolean | null;
}

/** One served resource type: what the API needs to know of a kind, built in or from a CRD. */
export interface ServedType extends ResourceType {
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Version in which objects are kept; equals `version` for every type but a CRD's second served versions. */
  readonly storageVersion: string;
  readonly schema: TypeSchema;
  readonly subresources: {
    readonly status: boolean;
    readonly scale?: {
      readonly specReplicasPath: string;
      readonly statusReplicasPath: string;
      readonly labelSelectorPath?: string;
    };
  };
  readonly columns: readonly PrinterColumn[];
  /** True for a kind that comes from a CustomResourceDefinition: unknown fields are pruned by its schema, no strategic merge. */
  readonly custom: boolean;
  /** `metadata.generation` counts spec changes for these kinds. */
  readonly hasGeneration: boolean;
}

/** Who is calling, as authentication established it. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What the API server needs of the node: streams into the cluster's network and into pods. */
export interface NodeLink {
  /** A TCP connection made inside the cluster's network (webhooks, aggregated calls). Rejects when refused. */
  dial(host: string, port: number, timeoutMs: number): Promise<Duplex>;
  /** Path of the unix socket on which the kubelet serves /logs, /exec, /attach, /portforward over HTTP/1.1. */
  readonly kubeletSocket: string;
}
