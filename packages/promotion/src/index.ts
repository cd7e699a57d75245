import { definePlugin } from "@stackyard/core";
import { createDeployExecutor } from "./deploy/deploy.ts";
import { createGateExecutor } from "./gate/gate.ts";
import { createHolds } from "./holds/create-holds.ts";

export { type CalendarsCheckContext, createCalendarsCheck } from "./calendars/calendars-check.ts";

/** The plugin of releases that move through environments. */
export default definePlugin({
  name: "promotion",
  executors: () => [createDeployExecutor(createHolds), createGateExecutor()],
});
