import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from './table.ts';

test('columns are as wide as their widest cell, three blanks apart, without blanks at line ends', () => {
  assert.equal(
    table(
      ['NAME', 'N'],
      [
        ['a', '1'],
        ['longer', ''],
      ],
    ),
    'NAME     N\na        1\nlonger\n',
  );
});

test('without rows the headings stand alone', () => {
  assert.equal(table(['NAME', 'MESH'], []), 'NAME   MESH\n');
});
