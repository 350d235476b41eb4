/** Random policies and calls, judged in three ways: `npm run fuzz:policy -- --cases 100000 [--seed N]`. */
import { parseArgs } from 'node:util';
import { runCases } from './run.ts';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '20000' }, seed: { type: 'string' }, verbose: { type: 'boolean' } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
process.stdout.write(`seed ${seed}\n`);
const began = performance.now();
const { cases, allowed, mismatches } = await runCases(seed, Number(values.cases), (done) => {
  process.stdout.write(`${done} cases, ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
});
const kinds = Map.groupBy(mismatches, ({ comparison }) => comparison.kind);
for (const [kind, some] of kinds) process.stdout.write(`${some.length} × ${kind}\n`);
process.stdout.write(`${cases} cases, ${allowed} of them allowed, ${mismatches.length} mismatches\n`);
if (values.verbose) {
  for (const [kind, [some]] of kinds) {
    if (some)
      process.stdout.write(`\n== ${kind}\n${JSON.stringify({ call: some.call, ...some.comparison }, undefined, 1)}\n`);
  }
}
process.exitCode = mismatches.length === 0 ? 0 : 1;
