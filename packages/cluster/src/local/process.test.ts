import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { endProcess, findProcesses, identify, isRunning, waitForEnd } from './process.ts';

test('a process is ended, by force when it does not listen; a later one of the same number is left alone', async () => {
  const deaf = spawn(
    process.execPath,
    ['-e', "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)"],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  // Listened for from the start: it may come before the end of the process is seen by its number.
  const exited = once(deaf, 'exit');
  await once(deaf.stdout, 'data');
  const identity = identify(deaf.pid as number);
  assert.ok(identity);
  await endProcess({ ...identity, startTime: '1' }, 10);
  await endProcess({ ...identity, bootId: 'another' }, 10);
  assert.equal(isRunning(identity), true);
  assert.equal(await waitForEnd(identity, 30), false);
  await endProcess(identity, 30);
  assert.equal(isRunning(identity), false);
  await exited;
  await endProcess(identity, 10);
});

test('processes are found by their arguments', async () => {
  const child = spawn(
    process.execPath,
    ['-e', "console.log('up'); setInterval(() => {}, 1000)", 'first-word', 'second-word'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  assert.deepEqual(
    findProcesses('first-word', 'second-word').map((p) => p.pid),
    [child.pid],
  );
  assert.deepEqual(findProcesses('first-word', 'second'), []);
  child.kill('SIGKILL');
  await once(child, 'exit');
});
