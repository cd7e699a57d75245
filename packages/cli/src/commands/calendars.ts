import { systemClock } from "@stackyard/core/engine";
import { createCalendarsCheck } from "@stackyard/promotion";
import type { CliCommand } from "../command.ts";

/** `stackyard calendars check` */
export const calendarsCheck: CliCommand = createCalendarsCheck(() => systemClock.now());
