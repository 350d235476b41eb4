import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CliError } from './cli-error.ts';

/** `$HOME/.osm/config.yaml`, or the file that OSM_CONFIG names: how the mesh was installed here. */
export interface InstallConfig {
  /** `managed`: a cloud add-on owns the installation, so that `osm` neither installs nor uninstalls. */
  readonly kind: 'managed' | 'self-hosted';
  readonly distribution: string;
  readonly namespace: string;
}

const DEFAULT: InstallConfig = Object.freeze({ kind: 'self-hosted', distribution: '', namespace: 'osm-system' });

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Path of the configuration file. */
export const configFilePath = (env: NodeJS.ProcessEnv = process.env): string =>
  env.OSM_CONFIG || join(homedir(), '.osm', 'config.yaml');

/** Reads the configuration file; a missing one means an ordinary installation. Throws CliError when it cannot be understood. */
export function readInstallConfig(path: string = configFilePath()): InstallConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return DEFAULT;
    throw new CliError(`cannot read ${path}: ${(error as Error).message}`);
  }
  let document: unknown;
  try {
    document = parse(text) ?? {};
  } catch (error) {
    throw new CliError(`${path} is not YAML: ${(error as Error).message}`);
  }
  if (!isMapping(document)) throw new CliError(`${path} is not a mapping with a section install`);
  const install = document.install ?? {};
  if (!isMapping(install)) throw new CliError(`${path}: install is ${JSON.stringify(install)}; write a mapping`);
  const textOf = (field: 'distribution' | 'namespace'): string => {
    const value = install[field] ?? '';
    if (typeof value === 'string') return value || DEFAULT[field];
    throw new CliError(`${path}: install.${field} is ${JSON.stringify(value)}; write a text`);
  };
  const kind = install.kind ?? DEFAULT.kind;
  if (kind !== 'managed' && kind !== 'self-hosted') {
    throw new CliError(`${path}: install.kind is ${JSON.stringify(kind)}; use managed or self-hosted`);
  }
  return Object.freeze({
    kind,
    distribution: textOf('distribution'),
    namespace: textOf('namespace'),
  });
}
