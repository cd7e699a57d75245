import { aCustomRun } from "./a-custom-run.ts";
import { problem } from "./render-page.tsx";

const run = aCustomRun();
const before = aCustomRun({
  id: "8237-r-0",
  requestType: "Create",
  taskDefinition: "arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:41",
  answer: {
    status: "SUCCESS",
    reason: "RUN: 1 task has ended.",
    physicalId: "i",
    data: { Ran: "true" },
  },
});

/** What a server answers that has a failed request and the one before it. */
export const customResources = {
  "GET /v1/custom-resources": { items: [run, before] },
  "GET /v1/custom-resources/8236-r-1": run,
};

/** What a server answers that cannot read the requests. */
export const notConfigured = problem(404, "NOT_CONFIGURED", "No table of the custom resource is configured.");
