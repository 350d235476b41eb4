import type { Environment } from '@marcbachmann/cel-js';
import { compilePattern } from '../../schema/pattern.ts';

const charAt = (value: string, index: bigint): string => {
  if (index < 0n || index > BigInt(value.length)) throw new Error(`charAt(${index}) is out of range`);
  return value.charAt(Number(index));
};

const replace = (value: string, from: string, to: string, times: number): string => {
  if (times < 0) return value.replaceAll(from, () => to);
  let rest = value;
  let done = '';
  for (let count = 0; count < times; count += 1) {
    const index = rest.indexOf(from);
    if (index < 0) break;
    done += rest.slice(0, index) + to;
    rest = rest.slice(index + from.length);
    if (from === '') break;
  }
  return done + rest;
};

const pattern = (source: string): RegExp => {
  const compiled = compilePattern(source);
  if (compiled === undefined) throw new Error(`invalid regular expression: ${source}`);
  return compiled;
};

const findAll = (value: string, source: string, most: number): string[] => {
  const expression = pattern(source);
  const all = value.matchAll(new RegExp(expression.source, `${expression.flags}g`));
  const found: string[] = [];
  for (const [match] of all) {
    if (most >= 0 && found.length >= most) break;
    found.push(match);
  }
  return found;
};

const quote = (value: string): string => JSON.stringify(value);

/** The functions on strings that CEL itself does not have: charAt, find, findAll, replace, reverse, quote. */
export const registerStringFunctions = (environment: Environment): void => {
  class Strings {}
  environment
    .registerFunction('string.charAt(int): string', charAt)
    .registerFunction(
      'string.find(string): string',
      (value: string, source: string) => pattern(source).exec(value)?.[0] ?? '',
    )
    .registerFunction('string.findAll(string): list<string>', (value: string, source: string) =>
      findAll(value, source, -1),
    )
    .registerFunction('string.findAll(string, int): list<string>', (value: string, source: string, most: bigint) =>
      findAll(value, source, Number(most)),
    )
    .registerFunction('string.replace(string, string): string', (value: string, from: string, to: string) =>
      replace(value, from, to, -1),
    )
    .registerFunction(
      'string.replace(string, string, int): string',
      (value: string, from: string, to: string, times: bigint) => replace(value, from, to, Number(times)),
    )
    .registerFunction('string.reverse(): string', (value: string) => [...value].reverse().join(''))
    .registerType('Strings', Strings)
    .registerConstant('strings', 'Strings', new Strings())
    .registerFunction('Strings.quote(string): string', (_strings: Strings, value: string) => quote(value));
};
