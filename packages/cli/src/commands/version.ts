import { readFileSync } from 'node:fs';
import type { KubeClient } from '@osm/kube';
import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { type CliContext, example } from '../context.ts';
import { listMeshes } from '../meshes.ts';
import { table } from '../table.ts';

/** Version of this command. */
export const VERSION = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

interface VersionOptions {
  readonly clientOnly?: boolean;
  readonly versionOnly?: boolean;
}

async function version(context: CliContext, options: VersionOptions): Promise<void> {
  const rows: string[][] = [['osm (this command)', '-', VERSION]];
  if (!options.clientOnly) {
    let client: KubeClient | undefined;
    try {
      client = context.connect();
      for (const mesh of await listMeshes(client)) rows.push([mesh.name, mesh.namespace, mesh.version]);
    } catch (error) {
      throw new CliError(`${(error as Error).message} (osm version --client-only asks no cluster)`);
    } finally {
      client?.close();
    }
  }
  context.write(
    options.versionOnly ? `${rows.map((row) => row[2]).join('\n')}\n` : table(['NAME', 'NAMESPACE', 'VERSION'], rows),
  );
}

/** `osm version`. */
export function versionCommand(context: CliContext): Command {
  const command = new Command('version')
    .description('versions of this command and of the installed meshes')
    .option('--client-only', 'of this command only')
    .option('--version-only', 'the bare versions')
    .action((options: VersionOptions) => version(context, options));
  return example(command, 'osm version', 'osm version --client-only --version-only');
}
