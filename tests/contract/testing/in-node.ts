import { DEFAULT_CLUSTER, nodeExec } from '@osm/cluster';

/** `in-node HOME PROGRAM ARGUMENT…`: runs a program in the network of the embedded cluster of that home, to its end. */
const [home = '', ...argv] = process.argv.slice(2);
const child = nodeExec({ name: DEFAULT_CLUSTER, home }, argv);
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
