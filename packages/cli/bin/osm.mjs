#!/usr/bin/env node
// The `osm` command. It runs TypeScript as it stands, which takes a newer Node.js than may be installed: the project brings one.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const MIN_NODE = 24;
const main = new URL('../src/main.ts', import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= MIN_NODE) {
  await import(main.href);
} else {
  let node;
  try {
    node = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
  } catch {
    process.stderr.write(
      `osm: Node.js ${MIN_NODE} or newer is needed (here is ${process.version}); run: npm install\n`,
    );
    process.exit(1);
  }
  const arguments_ = ['--disable-warning=ExperimentalWarning', fileURLToPath(main), ...process.argv.slice(2)];
  const child = spawn(node, arguments_, { stdio: 'inherit' });
  // Ctrl-C reaches both by the terminal, and the command decides what it means; other signals come here alone.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    throw error;
  });
  child.once('exit', (status, signal) => process.exit(status ?? (signal === 'SIGINT' ? 130 : 1)));
}
