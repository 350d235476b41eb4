const SIMPLE: Readonly<Record<string, number>> = Object.freeze({
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '"': 34,
  "'": 39,
  '\\': 92,
});

const START = 'AddSerializedFile(b';

/**
 * The bytes of the descriptor that a protoc-generated Python module registers: the literal in
 * `AddSerializedFile(b'…')` (escapes: Python reference, "String and Bytes literals"). Undefined when the module
 * registers none; throws when the literal is not one that Python would take.
 */
export function readSerializedFile(module: string): Uint8Array | undefined {
  const start = module.indexOf(START);
  return start === -1 ? undefined : readBytesLiteral(module, start + START.length);
}

/** Reads a Python bytes literal whose opening quote is at `start`. */
export function readBytesLiteral(text: string, start: number): Uint8Array {
  const quote = text[start];
  if (quote !== "'" && quote !== '"') throw new Error('a bytes literal must start with a quote');
  const bytes: number[] = [];
  let at = start + 1;
  for (;;) {
    const char = text[at];
    if (char === undefined || char === '\n') throw new Error('the bytes literal does not end');
    if (char === quote) return Uint8Array.from(bytes);
    if (char !== '\\') {
      const code = char.charCodeAt(0);
      if (code > 127) throw new Error(`a bytes literal has only ASCII characters, found ${JSON.stringify(char)}`);
      bytes.push(code);
      at += 1;
      continue;
    }
    const escaped = text[at + 1] ?? '';
    const simple = SIMPLE[escaped];
    if (simple !== undefined) {
      bytes.push(simple);
      at += 2;
      continue;
    }
    const digits =
      escaped === 'x'
        ? /^[0-9a-fA-F]{2}/.exec(text.slice(at + 2, at + 4))?.[0]
        : /^[0-7]{1,3}/.exec(text.slice(at + 1, at + 4))?.[0];
    const value = digits === undefined ? Number.NaN : Number.parseInt(digits, escaped === 'x' ? 16 : 8);
    if (digits === undefined || value > 255) throw new Error(`unknown escape \\${escaped} in a bytes literal`);
    bytes.push(value);
    at += digits.length + (escaped === 'x' ? 2 : 1);
  }
}
