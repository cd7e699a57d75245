/** The event of a rule with a schedule. Source: "Amazon EventBridge User Guide", events of scheduled rules. */
export function toScheduleEvent(now: number): Readonly<Record<string, unknown>> {
  return {
    version: "0",
    id: `00000000-0000-4000-8000-${String(now).padStart(12, "0").slice(-12)}`,
    "detail-type": "Scheduled Event",
    source: "aws.events",
    account: "000000000000",
    region: "eu-west-1",
    time: new Date(now).toISOString().replace(/\.\d+Z$/, "Z"),
    resources: ["arn:aws:events:eu-west-1:000000000000:rule/each-minute"],
    detail: {},
  };
}
