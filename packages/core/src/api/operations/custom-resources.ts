import { Type } from "typebox";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { pageQuery } from "./fields.ts";

const read = { permission: "read", subject: "yard", tag: "jobs" } as const;
const notConfigured = "NOT_CONFIGURED: the server does not know the table of the custom resource.";

export const listCustomResourceRuns = defineOperation("GET", "/v1/custom-resources", {
  operationId: "listCustomResourceRuns",
  ...read,
  summary:
    "List requests of CloudFormation to resources of the type `Custom::ECSTask`, the newest first. They are kept for 30 days.",
  query: pageQuery,
  answers: { 200: page("CustomResourceRun", "A page."), 404: refusal(notConfigured) },
});

export const getCustomResourceRun = defineOperation("GET", "/v1/custom-resources/:id", {
  operationId: "getCustomResourceRun",
  ...read,
  summary: "Get a request of CloudFormation to a resource of the type `Custom::ECSTask`.",
  params: { id: Type.String({ pattern: "^[A-Za-z0-9_-]{1,128}$" }) },
  answers: { 200: answer("CustomResourceRun", "The request."), 404: refusal(`NOT_FOUND, or ${notConfigured}`) },
});
