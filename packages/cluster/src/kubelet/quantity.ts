const SUFFIX: Readonly<Record<string, number>> = Object.freeze({
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
});

/** Value of a Kubernetes quantity (`500m`, `64Mi`, `1e3`) as a number; undefined when it is not one. */
export function parseQuantity(quantity: string | number): number | undefined {
  if (typeof quantity === 'number') return quantity;
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|(n|u|m|k|[KMGTPE]i|[MGTPE])?)$/.exec(quantity.trim());
  if (!match) return undefined;
  if (match[2]) return Number(`${match[1]}${match[2]}`);
  return Number(match[1]) * (SUFFIX[match[3] ?? ''] ?? 1);
}
