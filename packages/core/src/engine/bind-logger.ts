import type { LogFields, Logger } from "../ports/logger.ts";

/** A logger whose lines all carry these fields; what a line says itself wins. */
export function bindLogger(logger: Logger, bound: LogFields): Logger {
  return {
    debug: (message, fields) => logger.debug(message, { ...bound, ...fields }),
    info: (message, fields) => logger.info(message, { ...bound, ...fields }),
    warn: (message, fields) => logger.warn(message, { ...bound, ...fields }),
    error: (message, fields) => logger.error(message, { ...bound, ...fields }),
  };
}
