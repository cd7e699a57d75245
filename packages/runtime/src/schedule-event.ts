import { Type } from "typebox";
import { Compile } from "typebox/compile";

/**
 * The event with which EventBridge's rules and Scheduler call a function: "Scheduled Event" of `aws.events` or
 * `aws.scheduler`.
 */
const ScheduleEvent = Type.Object({
  source: Type.Union([Type.Literal("aws.events"), Type.Literal("aws.scheduler")]),
  "detail-type": Type.Literal("Scheduled Event"),
});
const schedule = Compile(ScheduleEvent);

/** Returns true for the event of a schedule. */
export function isScheduleEvent(event: unknown): boolean {
  return schedule.Check(event);
}
