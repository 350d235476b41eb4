/** Random policies and calls, judged in three ways: `npm run fuzz:policy -- --cases 100000 [--seed N]`. */
import { parseArgs } from 'node:util';
import { describe } from './report.ts';
import { runCases } from './run.ts';
import { shrink } from './shrink.ts';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '20000' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
process.stdout.write(`seed ${seed}\n`);
const began = performance.now();
const { cases, allowed, mismatches } = await runCases(seed, Number(values.cases), (done, wrong) => {
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`${done} cases, ${wrong} mismatches, ${seconds} s\n`);
});
const kinds = Map.groupBy(mismatches, ({ comparison }) => comparison.kind);
for (const [kind, some] of kinds) process.stdout.write(`${some.length} × ${kind}\n`);
for (const [some] of kinds.values()) if (some) process.stdout.write(describe(await shrink(some)));
process.stdout.write(`seed ${seed}: ${cases} cases, ${allowed} of them allowed, ${mismatches.length} mismatches\n`);
process.exitCode = mismatches.length === 0 ? 0 : 1;
