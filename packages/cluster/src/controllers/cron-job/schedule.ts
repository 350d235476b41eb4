/** A schedule as five sets of numbers; `undefined` stands for every value. */
export interface Schedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** Whether the day of month, or of week, is restricted: when both are, either is enough (crontab(5)). */
  readonly anyDay: boolean;
  readonly anyWeekday: boolean;
}

const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const readNumber = (text: string, names: readonly string[], first: number): number | undefined => {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + first;
  return /^\d+$/.test(text) ? Number(text) : undefined;
};

const readField = (
  field: string,
  low: number,
  high: number,
  names: readonly string[] = [],
): ReadonlySet<number> | undefined => {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [range = '', step = '1', extra] = part.split('/');
    const by = Number(step);
    if (extra !== undefined || !Number.isInteger(by) || by < 1) return undefined;
    const [from = '', to] = range === '*' || range === '?' ? [String(low), String(high)] : range.split('-');
    const start = readNumber(from, names, low);
    const end = to === undefined ? (part.includes('/') ? high : start) : readNumber(to, names, low);
    if (start === undefined || end === undefined || start < low || end > high || start > end) return undefined;
    for (let value = start; value <= end; value += by) values.add(value);
  }
  return values;
};

/** Reads a schedule of five fields or a macro such as `@hourly`; undefined when it is none (Kubernetes docs, "CronJob"). */
export const readSchedule = (text: string): Schedule | undefined => {
  const fields = (MACROS[text.trim()] ?? text).trim().split(/\s+/);
  if (fields.length !== 5) return undefined;
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  const minutes = readField(minute, 0, 59);
  const hours = readField(hour, 0, 23);
  const days = readField(day, 1, 31);
  const months = readField(month, 1, 12, MONTHS);
  const weekdays = readField(weekday, 0, 7, WEEKDAYS);
  if (!minutes || !hours || !days || !months || !weekdays) return undefined;
  const week = weekdays.has(7) ? new Set([...weekdays, 0]) : weekdays;
  const isAny = (field: string): boolean => /^[*?]/.test(field);
  return { minutes, hours, days, months, weekdays: week, anyDay: isAny(day), anyWeekday: isAny(weekday) };
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A schedule that matches nothing within this time (29 February at the most) never does. */
const HORIZON_MS = 9 * 366 * 24 * HOUR_MS;

interface Wall {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

const clockOf = (timeZone: string): ((ms: number) => Wall) => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    month: 'numeric',
    day: 'numeric',
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const number = (name: 'month' | 'day' | 'hour' | 'minute'): number => Number(parts.get(name));
    return {
      month: number('month'),
      day: number('day'),
      weekday: WEEKDAYS.indexOf((parts.get('weekday') ?? '').toLowerCase()),
      hour: number('hour'),
      minute: number('minute'),
    };
  };
};

const matchesDay = (schedule: Schedule, { month, day, weekday }: Wall): boolean => {
  if (!schedule.months.has(month)) return false;
  const inMonth = schedule.days.has(day);
  const inWeek = schedule.weekdays.has(weekday);
  return schedule.anyDay || schedule.anyWeekday ? inMonth && inWeek : inMonth || inWeek;
};

/**
 * The first time (ms) after `afterMs` that a schedule names in a time zone (IANA name). undefined when there is none. Throws
 * RangeError for a zone that does not exist.
 */
export const nextTime = (schedule: Schedule, afterMs: number, timeZone = 'UTC'): number | undefined => {
  const clock = clockOf(timeZone);
  const limit = afterMs + HORIZON_MS;
  let ms = Math.floor(afterMs / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  while (ms < limit) {
    const wall = clock(ms);
    if (!matchesDay(schedule, wall) || !schedule.hours.has(wall.hour)) ms += HOUR_MS - wall.minute * MINUTE_MS;
    else if (!schedule.minutes.has(wall.minute)) ms += MINUTE_MS;
    else return ms;
  }
  return undefined;
};
