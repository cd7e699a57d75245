import { Type } from "typebox";
import { MAX_SOURCE } from "../../machine/limits.ts";
import { PlanDigest } from "../planned-event.ts";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { Hash, Name, pageQuery } from "./fields.ts";

const list = { permission: "read", subject: "list", tag: "machines" } as const;
const params = { name: Name };
const one = { permission: "read", subject: "machine", tag: "machines", params } as const;
const unknown = { 404: refusal("MACHINE_UNKNOWN") };

export const listMachines = defineOperation("GET", "/v1/machines", {
  operationId: "listMachines",
  ...list,
  summary: "List machines, ordered by name, with the problems of their documents.",
  query: pageQuery,
  answers: { 200: page("MachineSummary", "A page; without a limit, as many machines as fit.") },
});

export const getMachine = defineOperation("GET", "/v1/machines/:name", {
  operationId: "getMachine",
  ...one,
  summary: "Get a machine: its document, events, states, tasks and problems.",
  answers: { 200: answer("MachineDetails", "The machine."), ...unknown },
});

export const simulate = defineOperation("POST", "/v1/simulate", {
  operationId: "simulate",
  ...list,
  summary: "Try events on the yard's machines, from an empty yard. Changes nothing.",
  body: Type.Object({
    steps: Type.Array(
      Type.Unknown({
        description:
          'As `stackyard simulate` reads them: {"event": …}, {"task": …, "result": …}, {"advance": "15m"}, {"upgrade": …} or {"stack": …}.',
      }),
      { minItems: 1, maxItems: 500 },
    ),
    now: Type.Optional(Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 })),
  }),
  example: { body: { steps: [{ event: { event: "LAUNCH", stackId: "pr-1" } }] } },
  answers: { 200: answer("Simulation", "One line for each step.") },
});

export const getMachineSource = defineOperation("GET", "/v1/machines/:name/source", {
  operationId: "getMachineSource",
  ...one,
  summary: "Get the document of a machine as it was written, also one with errors.",
  answers: {
    200: answer("MachineSource", "The text."),
    ...unknown,
    422: refusal("MACHINE_INVALID: its document cannot be read, or is a module with errors."),
  },
});

export const writeMachineSource = defineOperation("POST", "/v1/machines/:name/source", {
  operationId: "writeMachineSource",
  ...one,
  permission: "repair",
  audited: true,
  summary: "Replace the document of a machine in the folder of `stackyard dev`.",
  body: Type.Object(
    {
      source: Type.String({ minLength: 1, maxLength: MAX_SOURCE }),
      expectedHash: { ...Hash, description: "`hash` of the text that is replaced, as it was read." },
      dryRun: Type.Optional(
        Type.Boolean({ description: "Answers with the present text, and with `plan`. Writes nothing." }),
      ),
      plan: Type.Optional({
        ...PlanDigest,
        description: "`digest` of the dry run: the text is written if it would still do that, or not at all.",
      }),
    },
    { additionalProperties: false },
  ),
  example: { body: { source: "version: 2", expectedHash: "0".repeat(64) } },
  answers: {
    200: answer("MachineSource", "The text as it is now."),
    403: refusal(
      "FORBIDDEN: the file is a link or a module, or the caller may repair only some stacks of the machine.",
    ),
    404: refusal("MACHINE_UNKNOWN, or NOT_CONFIGURED: only `stackyard dev` has a folder to write to."),
    409: refusal(
      "RECORD_CONFLICT: the file has changed meanwhile. `details` has its `hash` and `source`. PLAN_STALE: the text would do something else than the dry run has shown.",
    ),
    422: refusal("MACHINE_INVALID with `details.problems`. Nothing was written."),
  },
});

export const listRevisions = defineOperation("GET", "/v1/machines/:name/revisions", {
  operationId: "listRevisions",
  ...one,
  summary: "List the revisions of a machine, newest first, with the number of stacks of each.",
  query: pageQuery,
  answers: { 200: page("RevisionSummary", "A page."), ...unknown },
});

export const getRevision = defineOperation("GET", "/v1/revisions/:hash", {
  operationId: "getRevision",
  ...list,
  summary:
    "Show one revision of a machine with its document, or of jobs with their executor and config, to those who may read a job that has it.",
  params: { hash: Hash },
  answers: { 200: answer("RevisionDetails", "The revision."), 404: refusal("NOT_FOUND") },
});

export const listExecutors = defineOperation("GET", "/v1/executors", {
  operationId: "listExecutors",
  ...list,
  summary: "List the executors that the server knows, by name, with the schemas of their configs and outputs.",
  query: pageQuery,
  answers: { 200: page("ExecutorDetails", "A page.") },
});
