import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contractSubject } from './contract/testing/embedded.ts';

/**
 * `npm test`: every check of the project, one stage after the other; a stage that fails does not keep the later ones
 * from running. `node tests/run.ts types lint` runs the named stages, `node tests/run.ts path/of/x.test.ts` single files.
 * The last line is `N passed, N failed`.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { resolve } = createRequire(import.meta.url);

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

function execute(
  args: readonly string[],
  onOutput?: (text: string) => void,
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  return new Promise((done) => {
    const stdio = onOutput ? (['ignore', 'pipe', 'inherit'] as const) : (['ignore', 'inherit', 'inherit'] as const);
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: [...stdio],
    });
    child.stdout?.on('data', (data: Buffer) => onOutput?.(String(data)));
    child.once('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      done(1);
    });
    child.once('close', (code) => done(code ?? 1));
  });
}

/** A stage that is one check. */
const single = async (args: readonly string[]): Promise<Tally> =>
  (await execute(args)) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };

function testFiles(directory: string): readonly string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => join(directory, file))
    .sort();
}

/** A stage of node:test files. Files that end without a verdict count as failed. */
async function tests(
  files: readonly string[],
  concurrency: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Tally> {
  let output = '';
  const code = await execute(
    ['--test', '--test-reporter=spec', `--test-concurrency=${concurrency}`, ...files],
    (text) => {
      output += text;
      process.stdout.write(text);
    },
    env,
  );
  // The reporter's own count comes last; tests that run tests print theirs before.
  const count = (name: string): number =>
    Number([...output.matchAll(new RegExp(`^ℹ ${name} (\\d+)$`, 'gm'))].at(-1)?.[1] ?? 0);
  // A test that was skipped or left to be done proves nothing.
  const failed = count('fail') + count('cancelled') + count('skipped') + count('todo');
  return { passed: count('pass'), failed: failed === 0 && code !== 0 ? 1 : failed };
}

/** The contract, on the cluster that CONTRACT_KUBECONFIG names or else on an embedded one. */
async function contract(): Promise<Tally> {
  const subject = await contractSubject();
  try {
    return await tests(testFiles('tests/contract'), 2, subject.env);
  } finally {
    await subject.end();
  }
}

const STAGES: Readonly<Record<string, () => Promise<Tally>>> = {
  types: () => single([join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', ROOT]),
  lint: () => single([resolve('@biomejs/biome/bin/biome'), 'check', '.']),
  imports: () => tests(['tests/architecture.test.ts'], 1),
  unit: () => tests([...testFiles('packages'), ...testFiles('images')], 2),
  contract,
  fuzz: () => tests(testFiles('tests/fuzz'), 1),
  e2e: () => tests(testFiles('tests/e2e'), 1),
};

async function main(words: readonly string[]): Promise<number> {
  const files = words.filter((word) => word.endsWith('.ts'));
  const stages = words.filter((word) => !word.endsWith('.ts'));
  const unknown = stages.filter((stage) => !(stage in STAGES));
  if (unknown.length > 0) {
    process.stderr.write(`unknown stage ${unknown.join(', ')}; there are: ${Object.keys(STAGES).join(', ')}\n`);
    return 2;
  }
  const chosen = words.length === 0 ? Object.keys(STAGES) : stages;
  const summary: string[] = [];
  let passed = 0;
  let failed = 0;
  const run = async (name: string, stage: () => Promise<Tally>): Promise<void> => {
    process.stdout.write(`\n== ${name}\n`);
    const began = performance.now();
    const tally = await stage();
    passed += tally.passed;
    failed += tally.failed;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    summary.push(`${name}: ${tally.passed} passed, ${tally.failed} failed, ${seconds} s`);
  };
  for (const name of chosen) await run(name, STAGES[name] as () => Promise<Tally>);
  if (files.length > 0) await run('files', () => tests(files, 1));
  process.stdout.write(`\n${summary.join('\n')}\n${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
