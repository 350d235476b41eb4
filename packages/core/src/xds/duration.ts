import type { MessageJson } from '@osm/envoy';

/** A protobuf duration from milliseconds, of which parts down to a nanosecond are kept. */
export function milliseconds(value: number): MessageJson<'google.protobuf.Duration'> {
  const nanoseconds = BigInt(Math.round(value * 1e6));
  const [whole, part] = [nanoseconds / 1_000_000_000n, nanoseconds % 1_000_000_000n];
  return part === 0n ? `${whole}s` : `${whole}.${String(part).padStart(9, '0')}s`;
}

/** A protobuf duration from seconds. */
export const seconds = (value: number): MessageJson<'google.protobuf.Duration'> => milliseconds(value * 1000);
