import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Logger } from './admin/log.ts';

/**
 * Compares text with a golden file, or writes the file when `UPDATE_GOLDEN` is set. A golden that does not exist
 * fails, so that a new case is never accepted unseen.
 */
export function assertGolden(path: string, actual: string): void {
  if (process.env.UPDATE_GOLDEN !== undefined) {
    writeFileSync(path, actual);
    return;
  }
  assert.ok(
    existsSync(path),
    `golden file ${basename(path)} is missing; run the test with UPDATE_GOLDEN=1 and read it`,
  );
  assert.equal(actual, readFileSync(path, 'utf8'));
}

/** Names (without ending) of the golden cases in a folder: `NAME.in.yaml`. */
export function goldenCases(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.in.yaml'))
    .map((name) => name.slice(0, -'.in.yaml'.length))
    .sort();
}

/** Text of one golden input. */
export function goldenInput(folder: string, name: string): string {
  return readFileSync(join(folder, `${name}.in.yaml`), 'utf8');
}

/** The Envoy binary of the working tree, or the one that `ENVOY_PATH` names. */
export const ENVOY: string = process.env.ENVOY_PATH ?? join(import.meta.dirname, '../../../gen/bin/envoy');

/** A logger that says nothing. */
export const silentLog: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
};
