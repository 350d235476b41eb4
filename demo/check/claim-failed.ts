/** A claim does not hold; the message says what was seen instead. */
export class ClaimFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ClaimFailed';
  }
}

/** Throws {@link ClaimFailed} unless the condition holds. */
export function claimThat(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new ClaimFailed(otherwise);
}
