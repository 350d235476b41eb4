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

/**
 * Like {@link remember} for a function of a list: two lists of the same objects in the same order give the same value,
 * whoever put them together. What nobody holds any more is forgotten.
 */
export function rememberList<Part extends object, Value extends object>(
  make: (parts: readonly Part[]) => Value,
): (parts: readonly Part[]) => Value {
  const made = new Map<string, WeakRef<Value>>();
  const forget = new FinalizationRegistry<string>((key) => {
    if (made.get(key)?.deref() === undefined) made.delete(key);
  });
  return (parts) => {
    const key = parts.map(serialOf).join();
    const known = made.get(key)?.deref();
    if (known !== undefined) return known;
    const value = make(parts);
    made.set(key, new WeakRef(value));
    forget.register(value, key);
    return value;
  };
}
