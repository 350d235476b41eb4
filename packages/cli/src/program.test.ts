import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTestProgram, runCommandLine, testContext, walk } from './testing/command-line.ts';
import { assertGolden } from './testing/golden.ts';

const GOLDENS = join(import.meta.dirname, 'testdata', 'help');
const ignore = (): void => {};

const commands = walk(createTestProgram(testContext({}, ignore, ignore)));
const fileOf = (path: string): string => `${path.replaceAll(' ', '-')}.txt`;

for (const [path, command] of commands) {
  const words = path.split(' ').slice(1);

  test(`${path} --help`, async () => {
    const { error, code } = await runCommandLine([...words, '--help']);
    assert.equal(code, 0);
    assertGolden(join(GOLDENS, fileOf(path)), error ?? '');
  });

  test(`${path} says what it does and shows an example of itself`, async () => {
    assert.notEqual(command.description(), '');
    const { error: help = '' } = await runCommandLine([...words, '--help']);
    const examples = help.slice(help.indexOf('\nExamples:\n'));
    assert.match(examples, new RegExp(`^ {2}\\$ .*${path}\\b`, 'm'));
  });

  test(`${path} describes every option`, () => {
    for (const option of command.options) assert.notEqual(option.description, '', option.flags);
  });

  test(`${path} refuses an option that it does not know`, async () => {
    const { error, code, output } = await runCommandLine([...words, '--nonsense']);
    assert.equal(code, 1);
    assert.match(error ?? '', /error: unknown option '--nonsense'/);
    assert.match(error ?? '', /add --help for the options and an example/);
    assert.equal(output, '');
  });
}

test('no golden is left of a command that is gone', () => {
  assert.deepEqual(readdirSync(GOLDENS).sort(), commands.map(([path]) => fileOf(path)).sort());
});

test('a command that does not exist is refused, with the one that was meant', async () => {
  const { error, code } = await runCommandLine('namspace list');
  assert.equal(code, 1);
  assert.match(error ?? '', /error: unknown command 'namspace'\n\(Did you mean namespace\?\)/);
});

test('an argument that is missing is named', async () => {
  const { error, code } = await runCommandLine('namespace add');
  assert.equal(code, 1);
  assert.match(error ?? '', /error: missing required argument 'namespace'/);
});

test('a managed mesh has no install command, and its namespace is the default', async () => {
  const config = { kind: 'managed', distribution: 'AKS', namespace: 'kube-system' } as const;
  const { error: help = '' } = await runCommandLine('--help', { config });
  assert.doesNotMatch(help, /^ {2}install/m);
  assert.match(help, /default: "kube-system"/);
});
