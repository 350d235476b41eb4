const WORD = /[\p{L}\p{N}_-]/u;

/** Whether `name` stands in `text` on its own, not as a part of a longer word; gives its place. */
function find(text: string, name: string): number {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const before = text[at - 1];
    const after = text[at + name.length];
    if ((before === undefined || !WORD.test(before)) && (after === undefined || !WORD.test(after))) return at;
  }
  return -1;
}

/**
 * The names that an error text mentions. Envoy lists the resources it could not apply
 * ("Error adding/updating listener(s) a: …, b: …"), so this is where to look for a response's bad resource first. A name
 * that is part of a longer name that is mentioned does not count.
 */
export function blamedNames(error: string, names: readonly string[]): readonly string[] {
  let text = error;
  const blamed = new Set<string>();
  for (const name of [...names].sort((a, b) => b.length - a.length)) {
    if (name === '') continue;
    for (let at = find(text, name); at >= 0; at = find(text, name)) {
      blamed.add(name);
      text = `${text.slice(0, at)} ${text.slice(at + name.length)}`;
    }
  }
  return names.filter((name) => blamed.has(name));
}

/**
 * Groups to offer one after the other once a response with all these names was refused: those that are not blamed
 * together, each blamed one alone; halves when the text blames none. A resource is only held for bad when it is
 * refused alone, so nothing innocent suffers from a text that was misread.
 */
export function splitRefused(error: string, names: readonly string[]): readonly (readonly string[])[] {
  const blamed = new Set(blamedNames(error, names));
  if (blamed.size === 0) {
    const half = Math.ceil(names.length / 2);
    return [names.slice(0, half), names.slice(half)];
  }
  const rest = names.filter((name) => !blamed.has(name));
  const alone = [...blamed].map((name) => [name]);
  return rest.length === 0 ? alone : [rest, ...alone];
}
