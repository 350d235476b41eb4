import { isIP, isIPv4, isIPv6 } from 'node:net';
import { parseQuantity } from './quantity.ts';

const DATE_TIME = /^\d{4}-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2}|60)(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const HOST_NAME =
  /^(?=.{1,255}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$/;
const EMAIL = /^[^\s@<>]+@[^\s@<>]+$/;
const UUID = /^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$/;
const DURATION = /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*$/;
const WORD_DURATION =
  /^\d+ *(ns|nanos?|nanoseconds?|us|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)$/;

const isDate = (value: string): boolean => DATE.test(value) && !Number.isNaN(Date.parse(`${value}T00:00:00Z`));

const isDateTime = (value: string): boolean => {
  const match = DATE_TIME.exec(value);
  if (match === null) return false;
  const [, month, day, hour, minute] = match.map(Number);
  return isDate(value.slice(0, 10)) && month! <= 12 && day! <= 31 && hour! <= 23 && minute! <= 59;
};

/** True for an IPv4 or IPv6 block such as `10.0.0.0/8`. */
export const isCidr = (value: string): boolean => {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(value);
  if (match === null) return false;
  const family = isIP(match[1] ?? '');
  return family !== 0 && Number(match[2]) <= (family === 4 ? 32 : 128) && !/^0\d/.test(match[2] ?? '');
};

const isUri = (value: string): boolean => value.startsWith('/') || URL.canParse(value);

const STRINGS: Readonly<Record<string, (value: string) => boolean>> = {
  'date-time': isDateTime,
  datetime: isDateTime,
  'micro-time': isDateTime,
  date: isDate,
  byte: (value) => BASE64.test(value.replaceAll(/[\r\n]/g, '')),
  hostname: (value) => HOST_NAME.test(value),
  email: (value) => EMAIL.test(value),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: (value) =>
    /^([0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(\2[0-9A-Fa-f]{2}){4}|([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})$/.test(value),
  uri: isUri,
  uuid: (value) => UUID.test(value),
  uuid3: (value) => UUID.test(value),
  uuid4: (value) => UUID.test(value),
  uuid5: (value) => UUID.test(value),
  duration: (value) => DURATION.test(value) || value === '0' || WORD_DURATION.test(value),
  quantity: (value) => parseQuantity(value) !== undefined,
};

const INT32 = 2 ** 31;

/** True when the value is of the format, or when the format says nothing about such values. */
export const hasFormat = (format: unknown, value: string | number): boolean => {
  if (typeof format !== 'string') return true;
  if (typeof value === 'number') return format !== 'int32' || (value >= -INT32 && value < INT32);
  return Object.hasOwn(STRINGS, format) ? (STRINGS[format]?.(value) ?? true) : true;
};
