import { defineService, type ProvidedService, provideService, type ServiceKey } from "../../ports/executor.ts";

/** The documents of calendars. */
export interface CalendarFiles {
  /** Returns the text of `calendars/NAME.yaml`; undefined when the file does not exist. Throws when it cannot be read. */
  read(name: string): Promise<string | undefined>;
}

/** The service by which executors read calendars. */
export const CALENDAR_FILES: ServiceKey<CalendarFiles> = defineService<CalendarFiles>("calendar-files");

/** A name that a calendar may have: never a path. */
export const CALENDAR_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Returns the service for a worker. */
export function provideCalendarFiles(files: CalendarFiles): ProvidedService {
  return provideService(CALENDAR_FILES, () => files);
}
