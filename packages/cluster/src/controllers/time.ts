/** The moment as Kubernetes writes it: RFC 3339 with seconds. `ms` counts from the epoch. */
export const rfc3339 = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** Milliseconds of an RFC 3339 time; undefined when it is absent or unreadable. */
export const millis = (time: string | undefined): number | undefined => {
  const ms = Date.parse(time ?? '');
  return Number.isNaN(ms) ? undefined : ms;
};

/** The earlier of two moments or delays, either of which may be absent. */
export const earliest = (left: number | undefined, right: number | undefined): number | undefined => {
  if (left === undefined) return right;
  return right === undefined ? left : Math.min(left, right);
};
