import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { LOG_LIMIT_BYTES, LogFile } from './log-file.ts';
import { LogFormat, lastLines, parseLogQuery } from './log-query.ts';
import { streamLog } from './log-reader.ts';
import { RequestError } from './status-error.ts';

const directory = mkdtempSync(join(tmpdir(), 'logs-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const query = (text: string) => parseLogQuery(new URLSearchParams(text), Date.parse('2026-01-01T00:01:00Z'));

test('lines are stamped, streams kept apart, an unfinished line waits for its end', () => {
  const log = new LogFile(join(directory, 'a', '0.log'));
  log.append('stdout', Buffer.from('one\ntw'));
  log.append('stderr', Buffer.from('err\n'));
  log.append('stdout', Buffer.from('o\nlast'));
  log.close();
  const lines = readFileSync(log.path, 'utf8').trimEnd().split('\n');
  assert.deepEqual(
    lines.map((l) => l.slice(31)),
    ['stdout F one', 'stderr F err', 'stdout F two', 'stdout F last'],
  );
  assert.deepEqual([...lines].sort(), lines, 'times order the lines');
  assert.match(lines[0] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /);
});

test('a long line is stored in parts and read as one', () => {
  const log = new LogFile(join(directory, 'long.log'));
  log.append('stdout', Buffer.from(`${'x'.repeat(40_000)}\nnext\n`));
  log.close();
  const stored = readFileSync(log.path);
  assert.equal(new LogFormat(query('')).format(stored).toString(), `${'x'.repeat(40_000)}\nnext\n`);
  assert.equal(new LogFormat(query('timestamps=true')).format(stored).toString().split('Z ').length, 3);
  assert.equal(lastLines(stored, 2).length, stored.length);
  assert.match(lastLines(stored, 1).toString(), /^\S+ stdout F next\n$/);
});

test('the file is bounded: at its limit it makes room by one predecessor', () => {
  const log = new LogFile(join(directory, 'big.log'));
  const line = Buffer.from(`${'y'.repeat(8000)}\n`);
  while (log.rotations < 2) log.append('stdout', line);
  log.close();
  assert.ok(statSync(log.path).size <= LOG_LIMIT_BYTES);
  assert.ok(statSync(`${log.path}.1`).size <= LOG_LIMIT_BYTES);
});

test('queries: tail, since, limit, stream; wrong values are refused by name', () => {
  const stored = Buffer.from(
    '2026-01-01T00:00:00.000000000Z stdout F old\n2026-01-01T00:00:50.000000000Z stderr F new\n',
  );
  assert.equal(new LogFormat(query('sinceSeconds=20')).format(stored).toString(), 'new\n');
  assert.equal(new LogFormat(query('sinceTime=2026-01-01T00:00:30Z')).format(stored).toString(), 'new\n');
  assert.equal(new LogFormat(query('stream=Stdout')).format(stored).toString(), 'old\n');
  assert.equal(new LogFormat(query('limitBytes=5')).format(stored).toString(), 'old\nn');
  assert.equal(lastLines(stored, 0).length, 0);
  for (const bad of ['tailLines=-1', 'sinceTime=yesterday', 'stream=x']) {
    assert.throws(
      () => query(bad),
      (error) => error instanceof RequestError && error.code === 400 && error.message.includes(bad.split('=')[0] ?? ''),
    );
  }
});

test('a follower sees everything across a rotation and ends with the run', async () => {
  const log = new LogFile(join(directory, 'follow.log'));
  log.append('stdout', Buffer.from('first\n'));
  const output = new PassThrough();
  let text = '';
  output.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const done = streamLog(log.path, query('follow=true'), log, output, new AbortController().signal);
  const line = Buffer.from(`${'z'.repeat(8000)}\n`);
  let written = 0;
  while (log.rotations < 1) {
    log.append('stdout', line);
    written += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  log.append('stdout', Buffer.from('last\n'));
  log.close();
  await done;
  assert.equal(text.length, 'first\n'.length + written * line.length + 'last\n'.length);
  assert.ok(text.startsWith('first\n') && text.endsWith('last\n'));
});
