/** A group, version and kind. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** A group, version and plural. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** The `request` of an `admission.k8s.io/v1` AdmissionReview. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: Kind;
  readonly resource: Resource;
  readonly subResource?: string;
  readonly requestKind?: Kind;
  readonly requestResource?: Resource;
  readonly requestSubResource?: string;
  readonly name?: string;
  /** Absent for cluster-scoped objects; the name for a Namespace itself. */
  readonly namespace?: string;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly userInfo: object;
  /** `null` on DELETE. */
  readonly object: unknown;
  /** `null` on CREATE. */
  readonly oldObject: unknown;
  readonly dryRun?: boolean;
  readonly options?: unknown;
}
