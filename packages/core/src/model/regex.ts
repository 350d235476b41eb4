import { RE2JS } from 're2js';

/** Whether a text matches as a whole. */
export type Matcher = (text: string) => boolean;

const CACHE_SIZE = 20_000;
const cache = new Map<string, Matcher | string>();

/** Patterns that are what they match: most method, path and host patterns of real policies. */
const LITERAL = /^[A-Za-z0-9/_ :-]*$/;

function compile(pattern: string): Matcher | string {
  if (LITERAL.test(pattern)) return (text) => text === pattern;
  if (pattern === '.*') return (text) => !text.includes('\n');
  try {
    const regex = RE2JS.compile(pattern);
    return (text) => regex.matches(text);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function compiled(pattern: string): Matcher | string {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  // Policies hold few patterns; the bound only keeps generated ones from growing without end.
  if (cache.size >= CACHE_SIZE) cache.clear();
  const made = compile(pattern);
  cache.set(pattern, made);
  return made;
}

/**
 * A matcher of whole texts with the syntax and meaning of RE2, which Envoy uses
 * (https://github.com/google/re2/wiki/Syntax). A pattern that is no RE2 matches nothing.
 */
export function matcher(pattern: string): Matcher {
  const made = compiled(pattern);
  return typeof made === 'string' ? () => false : made;
}

/** Why a pattern is no RE2; undefined when it is one. */
export function patternFault(pattern: string): string | undefined {
  const made = compiled(pattern);
  return typeof made === 'string' ? made : undefined;
}
