import { parseArgs } from 'node:util';
import { defaultHome } from '@osm/cluster';
import { runChecks } from '../check/run.ts';
import { bringUp, type Demo } from './demo.ts';
import { showLive } from './live.ts';
import type { Stage } from './stages.ts';

const USAGE = `usage: npm start [-- --check [--output table|json]] [-- --name NAME]

Brings up an embedded cluster with the mesh and the bookstore in it, and shows what happens until Ctrl-C.

  --check           verify what the mesh promises against the running bookstore, then remove everything
  --output FORMAT   of --check: table (default) or json
  --name NAME       name of the cluster (default: bookstore)

Examples:
  npm start
  npm start -- --check --output json
`;

function readArguments() {
  try {
    return parseArgs({
      options: {
        check: { type: 'boolean', default: false },
        output: { type: 'string', default: 'table' },
        name: { type: 'string', default: 'bookstore' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

const header = (demo: Demo): string => {
  const first = demo.stages.find((stage) => stage.name === 'first meshed request');
  return `Open Service Mesh: the bookstore, first meshed request after ${seconds(first?.endedMs ?? 0)}. Ctrl-C removes everything.

In another shell:
  export KUBECONFIG=${demo.kubeconfig}
  kubectl get pods -A
  kubectl patch meshconfig osm-mesh-config -n osm-system --type=merge \\
    -p '{"spec":{"traffic":{"enablePermissiveTrafficPolicyMode":false}}}'
  kubectl apply -f demo/policies/bookstore.yaml -f demo/policies/bookwarehouse.yaml
  kubectl apply -f demo/policies/split-50-50.yaml
`;
};

async function main(): Promise<number> {
  const options = readArguments();
  if (options.help || !['table', 'json'].includes(options.output)) {
    process.stderr.write(USAGE);
    return options.help ? 0 : 2;
  }
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort());
  const note = (text: string) => process.stderr.write(text);
  const onStage = ({ name, tookMs, endedMs }: Stage) => note(`${name}: ${seconds(tookMs)} (at ${seconds(endedMs)})\n`);
  const demo = await bringUp({ name: options.name, home: defaultHome(), onStage, signal: end.signal });
  try {
    if (options.check) return await runChecks(demo, { json: options.output === 'json', note, signal: end.signal });
    await showLive(demo, header(demo), end.signal);
    return 0;
  } finally {
    note('\nremoving everything …\n');
    await demo.down();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
