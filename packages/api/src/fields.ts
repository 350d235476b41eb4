import { z } from 'zod';

/** Go's duration syntax (https://pkg.go.dev/time#ParseDuration), as Kubernetes APIs use it: `1h30m`, `25ms`, `0`. */
const DURATION = /^[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+)$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a duration in Go's syntax; undefined when the text is none. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let sum = 0;
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    sum += Number(number) * (UNIT_MS[unit] ?? 0);
  }
  return text.startsWith('-') ? -sum : sum;
}

/** Text that {@link parseDuration} reads. */
export const duration = () => z.string().regex(DURATION, 'must be a duration such as 30s, 1h30m or 250ms');

/** A TCP port. */
export const port = () => z.int().min(1).max(65535);

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const CIDR_V4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}/([12]?\\d|3[0-2])$`);

/** An IPv4 range, `10.0.0.0/8`. */
export const cidr = () => z.string().regex(CIDR_V4, 'must be an address range such as 10.0.0.0/8');

/** A range of either family, coarse: the exact check is made where ranges are used. */
export const anyCidr = () =>
  z.string().regex(/^[0-9a-fA-F:.]+\/\d{1,3}$/, 'must be an address range such as 10.0.0.0/8 or fd00::/64');

/** A namespaced name of a service account or service. */
export const namedIn = (kind: string) =>
  z.object({ kind: z.literal(kind), name: z.string().min(1), namespace: z.string().min(1) });

const MAX_COUNT = 4_294_967_295;

/** A number that Envoy holds in 32 bits. */
export const count = () => z.int().min(0).max(MAX_COUNT);

/** A share of all, in whole percents. */
export const percent = () => z.int().min(0).max(100);

/** A duration that is more than nothing. */
export const positiveDuration = () =>
  duration().refine((text) => (parseDuration(text) ?? 0) > 0, 'must be longer than nothing');

/** The name of an HTTP header (RFC 9110 §5.6.2). */
export const headerName = () =>
  z
    .string()
    .min(1)
    .max(256)
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be the name of an HTTP header');

/** Whether exactly one of some fields of an object is given. */
export const oneOf =
  (...names: readonly string[]) =>
  (value: object): boolean =>
    names.filter((name) => (value as Readonly<Record<string, unknown>>)[name] !== undefined).length === 1;
