import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Overlay, RootPlan } from './container-root.ts';

/** Makes the directories and empty files that a {@link RootPlan} asks for. */
export function makeSkeleton(plan: RootPlan): void {
  for (const directory of plan.directories) mkdirSync(directory, { recursive: true, mode: 0o755 });
  for (const file of plan.emptyFiles) writeFileSync(file, '');
  for (const overlay of plan.overlays) {
    const covered = new Set<string>([overlay.upper]);
    for (const path of [...plan.directories, ...plan.emptyFiles.map((file) => dirname(file))]) {
      for (let at = path; at.startsWith(`${overlay.upper}/`); at = dirname(at)) covered.add(at);
    }
    for (const directory of covered) likeBelow(overlay, directory);
  }
}

/** In an overlay the upper directory's owner and mode count: they become those of the directory it covers. */
function likeBelow(overlay: Overlay, directory: string): void {
  const below = statSync(`${overlay.lower}${directory.slice(overlay.upper.length)}`, { throwIfNoEntry: false });
  if (!below?.isDirectory()) return;
  try {
    chownSync(directory, below.uid, below.gid);
  } catch {
    // An owner outside the cluster's user namespace cannot be given; root's own is as good for reading.
  }
  chmodSync(directory, below.mode & 0o7777);
}
