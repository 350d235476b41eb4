// What every tool of this folder needs to know of the project. Plain JavaScript for Node.js 20, which runs no TypeScript.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the project. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A path in the project. */
export const inProject = (...parts) => join(ROOT, ...parts);

/** What is generated or unpacked; never committed. */
export const GEN = inProject('gen');

/** The Node.js that runs the project: it executes TypeScript, which the one that runs this tool may not. */
export const NODE = inProject('node_modules', `node-linux-${process.arch}`, 'bin', 'node');

/** A set-up step failed; the message says what to do. */
export class SetupError extends Error {}

/** Hash over the content of files and other inputs of a step. */
export function fingerprint(files, ...inputs) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(inProject(file)));
  return hash.update(inputs.join('\n')).digest('hex');
}

const stampOf = (step) => inProject('node_modules', '.osm-setup', step);

/** Whether a step was done with these inputs, and what it made is still there. */
export function isDone(step, inputs, products) {
  const stamp = stampOf(step);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs && products.every((path) => existsSync(path));
}

/** Remembers that a step was done. */
export function markDone(step, inputs) {
  mkdirSync(dirname(stampOf(step)), { recursive: true });
  writeFileSync(stampOf(step), inputs);
}
