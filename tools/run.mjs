// `npm start`, `npm test` and the like: sets up, then hands over to the project's own Node.js.
import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { GEN, inProject, NODE, ROOT } from './setup/project.mjs';
import { setUp } from './setup.mjs';

/** What each script runs. */
const SCRIPTS = {
  start: ['demo/start/main.ts'],
  test: ['tests/run.ts'],
  'test:kubernetes': ['tests/kubernetes/main.ts'],
  check: ['tests/run.ts', 'types', 'lint', 'imports'],
  images: ['images/build.ts'],
  'fuzz:policy': ['tests/fuzz/policy.ts'],
  format: ['node_modules/@biomejs/biome/bin/biome', 'check', '--write', '.'],
};

const [name, ...args] = process.argv.slice(2);
const script = SCRIPTS[name];
if (script === undefined) {
  process.stderr.write(`usage: node tools/run.mjs ${Object.keys(SCRIPTS).join('|')}\n`);
  process.exit(2);
}
await setUp({ forTests: name === 'test' });

const path = [inProject('node_modules', `node-linux-${process.arch}`, 'bin'), inProject('node_modules', '.bin')];
const child = spawn(NODE, ['--disable-warning=ExperimentalWarning', ...script, ...args], {
  cwd: ROOT,
  stdio: 'inherit',
  env: {
    ...process.env,
    // The project's tools win; system directories come last, as ordinary users often lack /usr/sbin.
    PATH: [...path, process.env.PATH ?? '', `${GEN}/bin`, '/usr/sbin', '/sbin'].join(delimiter),
  },
});
// Ctrl-C reaches the child by the terminal; it ends by itself after cleaning up, and this process with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)));
