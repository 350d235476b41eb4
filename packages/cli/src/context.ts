import { createInterface } from 'node:readline/promises';
import { createKubeClient, defaultConfig, type KubeClient } from '@osm/kube';
import { type Command, Option } from 'commander';
import { CliError } from './cli-error.ts';
import type { InstallConfig } from './config-file.ts';
import { askProxy, type ProxyPod } from './proxy-admin.ts';

/** What every command needs of its surroundings; tests give their own. */
export interface CliContext {
  readonly config: InstallConfig;
  readonly write: (text: string) => void;
  /** Progress and warnings, apart from the output. */
  readonly note: (text: string) => void;
  /** A client for the cluster that kubeconfig or the environment names. */
  readonly connect: () => KubeClient;
  /** Asks the Envoy of a pod: GET of a path of its administration. Rejects with CliError. */
  readonly askProxy: (pod: ProxyPod, path: string) => Promise<string>;
  /** Asks a person; true for yes. Rejects with CliError where nobody can be asked. */
  readonly confirm: (question: string) => Promise<boolean>;
}

async function askTerminal(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new CliError('nobody can be asked here: give --force to go on without a question');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/n] `)).trim());
  } finally {
    terminal.close();
  }
}

/** The context of the command line. */
export const processContext = (config: InstallConfig): CliContext => ({
  config,
  write: (text) => process.stdout.write(text),
  note: (text) => process.stderr.write(text),
  connect: () => {
    try {
      return createKubeClient(defaultConfig());
    } catch (error) {
      throw new CliError(`no cluster to talk to: ${(error as Error).message}, or bring one up with: osm local up`);
    }
  },
  askProxy,
  confirm: askTerminal,
});

/** Options that every command has. */
export interface GlobalOptions {
  readonly osmNamespace: string;
  readonly verbose?: boolean;
}

/** Global options together with those of a command. */
export const optionsOf = <T>(command: Command): T & GlobalOptions => command.optsWithGlobals<T & GlobalOptions>();

/** `--local-port` of Open Service Mesh 1.2, for scripts that give it: nothing is forwarded any more. */
export const unusedLocalPort = (): Option => new Option('-p, --local-port <port>', 'accepted, unused').hideHelp();

/** Adds an example to a command's help. */
export const example = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
