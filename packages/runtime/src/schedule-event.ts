import { Type } from "typebox";
import { Compile } from "typebox/compile";

/** What EventBridge's rules and Scheduler call a function with: "Scheduled Event" of `aws.events` or `aws.scheduler`. */
const ScheduleEvent = Type.Object({
  source: Type.Union([Type.Literal("aws.events"), Type.Literal("aws.scheduler")]),
  "detail-type": Type.Literal("Scheduled Event"),
});
const schedule = Compile(ScheduleEvent);

/** True for the event of a schedule. */
export function isScheduleEvent(event: unknown): boolean {
  return schedule.Check(event);
}
