import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from './cli-error.ts';

/** Root of the product's files. */
export const PRODUCT_ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The chart that `osm install` installs. */
export const CHART_PATH = join(PRODUCT_ROOT, 'charts', 'osm');

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** A program: the one that an environment variable names, one on PATH, or the one that set-up unpacked. Throws CliError. */
export function findProgram(name: string, variable?: string, env: NodeJS.ProcessEnv = process.env): string {
  const named = variable === undefined ? undefined : env[variable];
  if (named) {
    if (isExecutable(named)) return named;
    throw new CliError(`${variable} names ${named}, which is not a program`);
  }
  const directories = [...(env.PATH ?? '').split(delimiter).filter(Boolean), join(PRODUCT_ROOT, 'gen', 'bin')];
  const path = directories.map((directory) => join(directory, name)).find(isExecutable);
  if (path === undefined) throw new CliError(`${name} is neither on PATH nor set up: run npm run setup in the project`);
  return path;
}
