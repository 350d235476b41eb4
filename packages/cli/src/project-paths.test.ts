import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findProgram } from './project-paths.ts';

const directory = mkdtempSync(join(tmpdir(), 'osm-programs-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const program = join(directory, 'prog');
writeFileSync(program, '#!/bin/sh\n');
chmodSync(program, 0o755);
writeFileSync(join(directory, 'text'), '');

test('a program is found on PATH, and the variable wins', () => {
  assert.equal(findProgram('prog', undefined, { PATH: `/nowhere:${directory}` }), program);
  assert.equal(findProgram('other', 'OTHER_PATH', { PATH: '', OTHER_PATH: program }), program);
});

test('set-up brings what PATH has not', () => {
  assert.match(findProgram('envoy', undefined, { PATH: directory }), /gen\/bin\/envoy$/);
});

test('a program that is nowhere is named, with the way to get it', () => {
  assert.throws(() => findProgram('no-such-program', undefined, { PATH: directory }), {
    name: 'CliError',
    message: 'no-such-program is neither on PATH nor set up: run npm run setup in the project',
  });
});

test('a variable that names no program is named', () => {
  assert.throws(() => findProgram('envoy', 'ENVOY_PATH', { PATH: '', ENVOY_PATH: join(directory, 'text') }), {
    name: 'CliError',
    message: `ENVOY_PATH names ${join(directory, 'text')}, which is not a program`,
  });
});
