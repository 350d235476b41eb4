/** A thing with its share; shares are relative to their sum. */
export interface Share<T> {
  readonly item: T;
  readonly weight: number;
}

/** Largest sum of the weights of one Envoy route (`WeightedCluster.total_weight` is a uint32). */
export const MAX_TOTAL_WEIGHT = 4_294_967_295;

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));

/** A part of a whole, as numerator over a denominator that all parts have in common. */
interface Parts<T> {
  readonly parts: readonly { readonly item: T; readonly weight: bigint }[];
  readonly whole: bigint;
}

/**
 * Expands shares whose items are shared among others in turn. `expand` gives the shares of an item, or undefined when
 * it takes its traffic itself, as it does when all of them are 0. An item met again below itself takes its traffic itself, so cycles end. Shares of an item
 * that is reached in several ways are added up. Weights without expansion stay as they were given; others are exact up
 * to {@link MAX_TOTAL_WEIGHT}, and beyond rounded, never from something to nothing. All weights 0: no shares.
 */
export function flatten<T>(
  shares: readonly Share<T>[],
  keyOf: (item: T) => string,
  expand: (item: T) => readonly Share<T>[] | undefined,
  path: readonly string[] = [],
): readonly Share<T>[] {
  let expanded = false;
  function parts(of: readonly Share<T>[], above: readonly string[]): Parts<T> {
    const inner = of.map(({ item, weight }): { weight: bigint; of: Parts<T> } => {
      const key = keyOf(item);
      const further = above.includes(key) ? undefined : expand(item);
      // A share that led nowhere below would shift to its siblings, so such an item keeps its own.
      if (!further?.some((below) => below.weight > 0))
        return { weight: BigInt(weight), of: { parts: [{ item, weight: 1n }], whole: 1n } };
      expanded = true;
      return { weight: BigInt(weight), of: parts(further, [...above, key]) };
    });
    const common = inner.reduce((product, { of: { whole } }) => (product * whole) / gcd(product, whole), 1n);
    const sum = inner.reduce((total, { weight }) => total + weight, 0n);
    return {
      parts: inner.flatMap(({ weight, of: { parts: below, whole } }) =>
        below.map((part) => ({ item: part.item, weight: weight * part.weight * (common / whole) })),
      ),
      whole: sum * common,
    };
  }
  const merged = new Map<string, { item: T; weight: bigint }>();
  for (const { item, weight } of parts(shares, path).parts) {
    const known = merged.get(keyOf(item));
    merged.set(keyOf(item), { item, weight: (known?.weight ?? 0n) + weight });
  }
  const all = [...merged.values()];
  const total = all.reduce((sum, { weight }) => sum + weight, 0n);
  if (total === 0n) return [];
  const divisor = expanded ? all.reduce((common, { weight }) => gcd(common, weight), 0n) : 1n;
  const scale = total / divisor > BigInt(MAX_TOTAL_WEIGHT) ? MAX_TOTAL_WEIGHT / Number(total) : undefined;
  return all.map(({ item, weight }) => {
    if (scale === undefined) return { item, weight: Number(weight / divisor) };
    const scaled = Math.floor(Number(weight) * scale * (1 - all.length / MAX_TOTAL_WEIGHT));
    return { item, weight: weight > 0n ? Math.max(1, scaled) : 0 };
  });
}
