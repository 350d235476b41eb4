/** Outcome of one check. */
export interface ProbeResult {
  readonly success: boolean;
  /** Why it failed; empty on success. */
  readonly message: string;
}
