/**
 * Unpacks an image's layers. A process of its own, because it runs as root of a user namespace: files then get the owners that the
 * image says, among the ids that pods may use, and nothing of the machine's own users is in its power.
 */
import type { ArchiveEntry } from './archive.ts';
import { UnpackBudget, type UnpackLimits, unpackLayer } from './layer.ts';

/** What is to be unpacked where. */
export interface UnpackRequest {
  readonly archive: string;
  readonly layers: readonly { readonly entry: ArchiveEntry; readonly diffId: string }[];
  readonly root: string;
  readonly limits: UnpackLimits;
}

/** How it went; no message means well. */
export interface UnpackReply {
  readonly message?: string;
}

async function unpack(request: UnpackRequest): Promise<UnpackReply> {
  const budget = new UnpackBudget(request.limits);
  try {
    for (const { entry, diffId } of request.layers)
      await unpackLayer(request.archive, entry, diffId, request.root, budget);
    return {};
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error) };
  }
}

process.once('disconnect', () => process.exit(1));
process.once('message', (request: UnpackRequest) => {
  process.umask(0o022);
  void unpack(request).then((reply) => process.send?.(reply, () => process.exit(0)));
});
