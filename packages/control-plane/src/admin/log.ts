import { type Logger as PinoLogger, pino } from 'pino';

/** The logger that every part of the control plane takes; one JSON object per line on standard output. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

/** A logger whose level follows MeshConfig while the process runs. */
export interface RootLogger extends Logger {
  /** Levels of the API: `disabled`, `panic`, `fatal`, `error`, `warn`, `info`, `debug`, `trace`. Others: no change. */
  setLevel(level: string): void;
}

const LEVELS: Readonly<Record<string, string>> = {
  disabled: 'silent',
  panic: 'fatal',
  fatal: 'fatal',
  error: 'error',
  warn: 'warn',
  warning: 'warn',
  info: 'info',
  debug: 'debug',
  trace: 'trace',
};

/** True for a level that {@link RootLogger.setLevel} knows. */
export function isLogLevel(level: string): boolean {
  return level in LEVELS;
}

/** Creates the root logger of a process. */
export function createLogger(component: string, level: string): RootLogger {
  const live: { level: string }[] = [];
  const wrap = (logger: PinoLogger): Logger => {
    // A child keeps the level it was born with, so the level is set on all of them.
    live.push(logger);
    return {
      debug: (fields, message) => logger.debug(fields, message),
      info: (fields, message) => logger.info(fields, message),
      warn: (fields, message) => logger.warn(fields, message),
      error: (fields, message) => logger.error(fields, message),
      child: (fields) => wrap(logger.child(fields)),
    };
  };
  const root = pino({
    level: LEVELS[level] ?? 'info',
    base: { component },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
  return {
    ...wrap(root as PinoLogger),
    setLevel(wanted) {
      const known = LEVELS[wanted];
      if (known === undefined) return;
      for (const logger of live) logger.level = known;
    },
  };
}
