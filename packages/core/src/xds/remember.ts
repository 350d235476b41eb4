/** A part of a plan, or a setting of it, on which a value depends. */
export type Key = object | string | number | boolean | undefined;

interface Node<Value> {
  objects?: WeakMap<object, Node<Value>>;
  values?: Map<Key, Node<Value>>;
  made?: { readonly value: Value };
}

function childOf<Value>(node: Node<Value>, key: Key): Node<Value> {
  if (typeof key === 'object') {
    node.objects ??= new WeakMap();
    const known = node.objects.get(key);
    if (known !== undefined) return known;
    const child: Node<Value> = {};
    node.objects.set(key, child);
    return child;
  }
  node.values ??= new Map();
  const known = node.values.get(key);
  if (known !== undefined) return known;
  const child: Node<Value> = {};
  node.values.set(key, child);
  return child;
}

/**
 * The same function, that makes its value once for the same keys: objects count by identity, other keys by value. The
 * first key is an object, and what was made is forgotten along with it, so nothing has to be evicted. `make` must
 * depend on its keys alone.
 */
export function remember<Keys extends readonly [object, ...Key[]], Value>(
  make: (...keys: Keys) => Value,
): (...keys: Keys) => Value {
  const root: Node<Value> = {};
  return (...keys) => {
    let node = root;
    for (const key of keys) node = childOf(node, key);
    node.made ??= { value: make(...keys) };
    return node.made.value;
  };
}

const serials = new WeakMap<object, number>();
let lastSerial = 0;

function serialOf(part: object): number {
  const known = serials.get(part);
  if (known !== undefined) return known;
  lastSerial += 1;
  serials.set(part, lastSerial);
  return lastSerial;
}

const textOf = (key: Key): string => (typeof key === 'object' ? `#${serialOf(key)}` : JSON.stringify([key]));

/**
 * Like {@link remember} for a function of a list: two lists of the same objects in the same order give the same value,
 * whoever put them together. A value that nobody holds any more is forgotten.
 */
export function rememberList<Part extends object, Keys extends readonly Key[], Value extends object>(
  make: (parts: readonly Part[], ...keys: Keys) => Value,
): (parts: readonly Part[], ...keys: Keys) => Value {
  const made = new Map<string, WeakRef<Value>>();
  const forget = new FinalizationRegistry<string>((text) => {
    if (made.get(text)?.deref() === undefined) made.delete(text);
  });
  return (parts, ...keys) => {
    const text = `${parts.map(serialOf).join()} ${keys.map(textOf).join()}`;
    const known = made.get(text)?.deref();
    if (known !== undefined) return known;
    const value = make(parts, ...keys);
    made.set(text, new WeakRef(value));
    forget.register(value, text);
    return value;
  };
}
