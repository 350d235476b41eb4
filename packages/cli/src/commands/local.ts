import { readFileSync } from 'node:fs';
import {
  type ClusterId,
  clusterDown,
  clusterStatus,
  clusterUp,
  DEFAULT_CLUSTER,
  defaultHome,
  kubeconfigPath,
  listClusters,
} from '@osm/cluster';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CliError } from '../cli-error.ts';
import { type CliContext, example, optionsOf } from '../context.ts';
import { table } from '../table.ts';
import { imageCommand } from './image.ts';
import { install } from './install.ts';

const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`give a whole number from ${min} to ${max}.`);
  };
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const named = (command: Command): Command =>
  command.option('--name <name>', 'the cluster, of those side by side', DEFAULT_CLUSTER);
const idOf = (command: Command): ClusterId => ({
  name: optionsOf<{ name: string }>(command).name,
  home: defaultHome(),
});

interface UpOptions {
  readonly port?: number;
  readonly hollow?: number;
  readonly foreground?: boolean;
  readonly install?: boolean;
}

function upCommand(context: CliContext): Command {
  const command = named(new Command('up'))
    .description('bring a cluster up; returns when it is ready')
    .option('--port <port>', 'port of 127.0.0.1 for the API server', wholeNumber(1, 65535))
    .option('--hollow <nodes>', 'so many nodes more, whose pods run no processes', wholeNumber(1, 10_000))
    .option('--foreground', 'stay, and bring the cluster down at Ctrl-C')
    .option('--install', 'install the mesh too')
    .action(async (options: UpOptions) => {
      const id = idOf(command);
      const end = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
      let whenReady: Promise<void> = Promise.resolve();
      await clusterUp({
        ...id,
        ...(options.port !== undefined && { port: options.port }),
        ...(options.hollow !== undefined && { hollow: { nodes: options.hollow } }),
        ...(options.foreground && { foreground: true }),
        signal: end.signal,
        onProgress: ({ step, tookMs }) => context.note(`${step}: ${seconds(tookMs)}\n`),
        onReady: (info) => {
          context.note(
            info.alreadyRunning
              ? `cluster ${info.name} was up already\n`
              : `cluster ${info.name} is ready after ${seconds(info.upMs)}\n`,
          );
          context.write(`export KUBECONFIG=${info.kubeconfig}\n`);
          if (options.install) {
            process.env.KUBECONFIG = info.kubeconfig;
            whenReady = install(context, { ...optionsOf(command), meshName: 'osm', set: [], timeout: '5m' });
            whenReady.catch(() => end.abort());
          }
        },
      });
      await whenReady;
      if (options.foreground) await clusterDown(id);
    });
  return example(command, 'osm local up', 'osm local up --name second --install', 'eval "$(osm local up)"');
}

function downCommand(context: CliContext): Command {
  const command = named(new Command('down'))
    .description('end a cluster and remove everything of it')
    .option('--all', 'every cluster')
    .action(async (options: { all?: boolean }) => {
      const names = options.all ? listClusters(defaultHome()).map((cluster) => cluster.name) : [idOf(command).name];
      if (names.length === 0) context.write('there is no cluster: nothing to end\n');
      for (const name of names) {
        const existed = await clusterDown({ name, home: defaultHome() });
        context.write(existed ? `cluster ${name} is gone\n` : `there is no cluster ${name}\n`);
      }
    });
  return example(command, 'osm local down', 'osm local down --name second', 'osm local down --all');
}

function statusCommand(context: CliContext): Command {
  const command = new Command('status')
    .description('the clusters of this user')
    .addOption(new Option('--output <format>', 'format').choices(['table', 'json']).default('table'))
    .action((options: { output: string }) => {
      const clusters = listClusters(defaultHome());
      if (options.output === 'json') context.write(`${JSON.stringify(clusters, undefined, 2)}\n`);
      else if (clusters.length === 0) context.write('there is no cluster: bring one up with: osm local up\n');
      else {
        context.write(
          table(
            ['NAME', 'STATE', 'SERVER', 'PID', 'KUBECONFIG'],
            clusters.map(({ name, state, server, pid, kubeconfig }) => [
              name,
              state,
              server ?? '-',
              String(pid ?? '-'),
              kubeconfig,
            ]),
          ),
        );
      }
    });
  return example(command, 'osm local status');
}

function kubeconfigCommand(context: CliContext): Command {
  const command = named(new Command('kubeconfig'))
    .description("print the path of a cluster's kubeconfig")
    .option('--content', 'print the file itself')
    .action((options: { content?: boolean }) => {
      const id = idOf(command);
      if (clusterStatus(id).state === 'absent') {
        throw new CliError(`there is no cluster ${id.name}: bring it up with: osm local up --name ${id.name}`);
      }
      const path = kubeconfigPath(id);
      context.write(options.content ? readFileSync(path, 'utf8') : `${path}\n`);
    });
  return example(command, 'export KUBECONFIG=$(osm local kubeconfig)');
}

/** `osm local`: the embedded cluster. */
export function localCommand(context: CliContext): Command {
  const local = new Command('local')
    .description('embedded clusters: a Kubernetes API and pods on this machine, for trying and testing')
    .addHelpText('after', '\nState lies under OSM_LOCAL_HOME (default ~/.osm-local).')
    .addCommand(upCommand(context))
    .addCommand(downCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(kubeconfigCommand(context))
    .addCommand(imageCommand(context));
  return example(local, 'osm local up --install', 'osm local down');
}
