import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where set-up puts the Envoy it fetched. */
const FETCHED = join(import.meta.dirname, '../../../gen/bin/envoy');

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The path of an Envoy executable: `ENVOY_PATH`, else `envoy` on `PATH`, else the one that set-up fetched. Throws when
 * there is none, and when `ENVOY_PATH` is set but is none: silently taking another would mislead.
 */
export function envoyBinary(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const given = env.ENVOY_PATH;
  if (given !== undefined && given !== '') {
    if (isExecutable(given)) return given;
    throw new Error(`ENVOY_PATH is ${given}, which is no executable file`);
  }
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = [...folders.map((folder) => join(folder, 'envoy')), FETCHED].find(isExecutable);
  if (found !== undefined) return found;
  throw new Error('no Envoy found: set ENVOY_PATH, put envoy on PATH, or run "npm run setup", which fetches it');
}
