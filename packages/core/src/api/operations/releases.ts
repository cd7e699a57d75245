import { Type } from "typebox";
import { DeployStack } from "../deploy.ts";
import { PlannedStack } from "../plan.ts";
import { answer, defineOperation, items, page, refusal } from "./define-operation.ts";
import { Name, pageQuery, StackId, TaskName } from "./fields.ts";

const params = { stackId: StackId };
const read = { permission: "read", subject: "stack", tag: "promotion" } as const;
const unknown = { 404: refusal("STACK_UNKNOWN") };

export const listReleasePlaces = defineOperation("GET", "/v1/releases/places", {
  operationId: "listReleasePlaces",
  permission: "read",
  subject: "list",
  tag: "jobs",
  summary:
    "List what runs and what is locked, by account, region, project and config, as the executor `asg` has left it. For those who read all jobs.",
  query: pageQuery,
  answers: { 200: page("ReleasePlace", "A page.") },
});

export const listDeploys = defineOperation("GET", "/v1/stacks/:stackId/deploys", {
  operationId: "listDeploys",
  ...read,
  summary: "List what each task `deploy` of a release has done, by wave. Kept for 90 days.",
  params,
  query: {
    trouble: Type.Optional(
      Type.Boolean({
        description: "True: also what is wrong now with the stacks that had arrived, which takes longer.",
      }),
    ),
  },
  answers: { 200: items("Deploy", "Those that have begun."), ...unknown },
});

export const listDeployStacks = defineOperation("GET", "/v1/stacks/:stackId/deploys/:task", {
  operationId: "listDeployStacks",
  ...read,
  summary: "List the stacks of a task `deploy`, without those that the caller may not read.",
  params: { ...params, task: TaskName },
  query: {
    ...pageQuery,
    state: Type.Optional({ ...DeployStack.properties.state, description: "Default: all." }),
    order: Type.Optional(
      Type.Enum(["sending", "failed-first"], {
        description:
          "Default: the order in which they are sent to. `failed-first`: those that have failed come before all others. In either order the pages contain each stack once, also when it fails between two of them.",
      }),
    ),
  },
  answers: {
    200: page("DeployStack", "A page."),
    404: refusal("STACK_UNKNOWN; NOT_FOUND: the task has deployed nothing"),
  },
});

export const getReleaseCalendar = defineOperation("GET", "/v1/stacks/:stackId/calendar", {
  operationId: "getReleaseCalendar",
  ...read,
  summary:
    "Get when a release may send: the calendars of its tasks that have not ended, and the freezes of machines that the caller may read.",
  params,
  answers: { 200: answer("ReleaseCalendar", "Without windows: no task has a calendar."), ...unknown },
});

export const listReleaseVersions = defineOperation("GET", "/v1/stacks/:stackId/versions", {
  operationId: "listReleaseVersions",
  ...read,
  summary:
    "List from which versions a release brings its stacks to which, with the commits between, by the API of the code host. Computed from the stacks that the caller may read.",
  params,
  answers: { 200: answer("ReleaseVersions", "Without versions: nothing is sent or planned."), ...unknown },
});

const ofPlan = {
  ...params,
  plan: {
    ...Name,
    description: "The digest of a plan, which an approval repeats as `of`; or a task, whose last plan is meant.",
  },
};
const noPlan = { 404: refusal("STACK_UNKNOWN; NOT_FOUND: the release does not have this plan, or no longer") };

export const getDeployPlan = defineOperation("GET", "/v1/stacks/:stackId/plans/:plan", {
  operationId: "getDeployPlan",
  ...read,
  summary:
    "Get what a plan of a release would do, as counts. Kept for 90 days. Stacks that the caller may not read are not counted.",
  params: ofPlan,
  answers: { 200: answer("DeployPlan", "The plan."), ...noPlan },
});

export const listPlanStacks = defineOperation("GET", "/v1/stacks/:stackId/plans/:plan/stacks", {
  operationId: "listPlanStacks",
  ...read,
  summary:
    "List what a plan of a release would do with each stack, without those that the caller may not read. A page examines 2,000 stacks at most: one with a cursor may be short or empty.",
  params: ofPlan,
  query: {
    ...pageQuery,
    does: Type.Optional({ ...PlannedStack.properties.does, description: "Default: all." }),
    state: Type.Optional({
      ...DeployStack.properties.state,
      description: "How far they are: see `progress`. Default: all.",
    }),
  },
  answers: { 200: page("PlannedStack", "A page."), ...noPlan },
});

export const listBoards = defineOperation("GET", "/v1/boards", {
  operationId: "listBoards",
  ...read,
  subject: "list",
  summary: "List the machines whose tasks deploy to other stacks, by name.",
  answers: { 200: items("BoardName", "All of them.") },
});

export const getBoard = defineOperation("GET", "/v1/boards/:name", {
  operationId: "getBoard",
  ...read,
  subject: "machine",
  summary:
    "Get the board of a machine: what runs in each environment since when, by which release, and which releases there are. Computed from the stacks that the caller may read.",
  params: { name: Name },
  answers: {
    200: answer("Board", "The board."),
    404: refusal("MACHINE_UNKNOWN"),
    422: refusal("MACHINE_INVALID"),
  },
});
