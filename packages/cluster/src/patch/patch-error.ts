/** A patch that cannot be applied; the message says why, in words for the one who sent it. */
export class PatchError extends Error {
  override readonly name = 'PatchError';
}
