import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A machine of its own for a test: home of clusters, kubeconfig, and a Helm that only writes down what it is told. */
export interface TestMachine {
  readonly directory: string;
  /** Arguments of each call of Helm so far. */
  helmCalls(): readonly (readonly string[])[];
  /** Lets Helm fail from now on, saying this. */
  breakHelm(complaint: string): void;
  /** Makes a cluster whose API server is at this address look as if it ran on this machine. */
  addRunningCluster(server: string): void;
  /** Puts the environment back and removes everything. */
  end(): void;
}

/** Each call is one line of arguments, separated by the unit separator. */
const HELM = `#!/bin/sh
directory=$(dirname "$0")
for argument; do printf '%s\\037' "$argument" >> "$directory/calls"; done
printf '\\n' >> "$directory/calls"
echo 'helm says this'
if [ -e "$directory/complaint" ]; then cat "$directory/complaint" >&2; exit 1; fi
`;

/** Address of the API server that the kubeconfig names; nothing listens there. */
export const SERVER = 'https://127.0.0.1:1';

const KUBECONFIG = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'test',
  clusters: [{ name: 'test', cluster: { server: SERVER } }],
  users: [{ name: 'test', user: { token: 'test' } }],
  contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
});

/** Prepares the machine and points PATH, KUBECONFIG and OSM_LOCAL_HOME at it. */
export function createTestMachine(): TestMachine {
  const directory = mkdtempSync(join(tmpdir(), 'osm-cli-'));
  const program = (name: string, text: string): void => {
    writeFileSync(join(directory, name), text);
    chmodSync(join(directory, name), 0o755);
  };
  program('helm', HELM);
  program('envoy', '#!/bin/sh\n');
  writeFileSync(join(directory, 'kubeconfig'), KUBECONFIG);
  const former = { ...process.env };
  process.env.PATH = `${directory}${delimiter}${former.PATH}`;
  process.env.KUBECONFIG = join(directory, 'kubeconfig');
  process.env.OSM_LOCAL_HOME = join(directory, 'clusters');
  delete process.env.ENVOY_PATH;
  const calls = join(directory, 'calls');
  return {
    directory,
    helmCalls: () =>
      existsSync(calls)
        ? readFileSync(calls, 'utf8')
            .trimEnd()
            .split('\n')
            .map((line) => line.split('\u001f').slice(0, -1))
        : [],
    breakHelm: (complaint) => writeFileSync(join(directory, 'complaint'), complaint),
    addRunningCluster(server) {
      const home = join(directory, 'clusters', 'default');
      mkdirSync(home, { recursive: true });
      // A cluster runs when its daemon does; this process stands in for it. The start time is field 22 of proc(5) stat.
      const stat = readFileSync('/proc/self/stat', 'utf8');
      const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
      const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      const daemon = { pid: process.pid, startTime, bootId };
      const record = { name: 'default', state: 'ready', daemon, port: Number(new URL(server).port), hollowNodes: 0 };
      writeFileSync(join(home, 'cluster.json'), JSON.stringify(record));
    },
    end() {
      for (const name of ['PATH', 'KUBECONFIG', 'OSM_LOCAL_HOME', 'ENVOY_PATH']) {
        const value = former[name];
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
