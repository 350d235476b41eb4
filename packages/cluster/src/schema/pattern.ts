/** Patterns kept compiled at most; a definition seldom has more than a few dozen. */
const KEPT = 2000;

const compiled = new Map<string, RegExp | undefined>();

/** Spellings of RE2 (the syntax of Go, which schemas are written for) that JavaScript writes otherwise. */
const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/\\A/g, '^'],
  [/\\[zZ]/g, '$'],
  [/\(\?P</g, '(?<'],
  [/\\([pP])([A-Z])/g, '\\$1{$2}'],
  [/\[:alnum:\]/g, 'a-zA-Z0-9'],
  [/\[:alpha:\]/g, 'a-zA-Z'],
  [/\[:digit:\]/g, '0-9'],
  [/\[:lower:\]/g, 'a-z'],
  [/\[:upper:\]/g, 'A-Z'],
  [/\[:space:\]/g, '\\s'],
  [/\[:word:\]/g, '\\w'],
  [/\[:xdigit:\]/g, '0-9A-Fa-f'],
  [/\[:punct:\]/g, '!-\\/:-@\\[-`{-~'],
];

const attempt = (source: string, flags: string): RegExp | undefined => {
  try {
    return new RegExp(source, flags);
  } catch {
    return undefined;
  }
};

const translate = (pattern: string): RegExp | undefined => {
  const leading = /^\(\?([ims]+)\)/.exec(pattern);
  const flags = leading?.[1] ?? '';
  let source = pattern.slice(leading?.[0].length ?? 0);
  for (const [from, to] of SPELLINGS) source = source.replace(from, to);
  // Without the u flag JavaScript is laxer about needless backslashes, as RE2 is.
  return attempt(source, `${flags}u`) ?? attempt(source, flags);
};

/** A `pattern` of a schema as a regular expression; undefined when it cannot be read. */
export const compilePattern = (pattern: string): RegExp | undefined => {
  if (compiled.has(pattern)) return compiled.get(pattern);
  const result = translate(pattern);
  if (compiled.size >= KEPT) compiled.clear();
  compiled.set(pattern, result);
  return result;
};
