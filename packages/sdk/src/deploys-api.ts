import type {
  Deploy,
  DeployPlan,
  DeployStack,
  PlannedStack,
  ReleaseCalendar,
  ReleaseVersions,
} from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import type { CallOptions, HttpClient, Page, PageOptions } from "./http-client.ts";

/** The reads of what the tasks `deploy` of a release have done. */
export interface DeploysApi {
  /**
   * Returns the tasks that have begun; with `trouble`, also what is wrong now with the stacks that had arrived. Throws
   * `STACK_UNKNOWN`.
   */
  list(release: string, options?: CallOptions & { readonly trouble?: boolean }): Promise<readonly Deploy[]>;
  /**
   * Returns a page of a task's stacks. Pages contain each stack once, also when it fails between them. Throws
   * `STACK_UNKNOWN`, `NOT_FOUND`, and `USAGE` for the cursor of a list whose stacks were selected again.
   */
  stacks(release: string, task: string, options?: DeployStacksOptions): Promise<Page<DeployStack>>;
  /** Returns when the tasks that have not ended may send: their calendars, and freezes. Throws `STACK_UNKNOWN`. */
  calendar(release: string, options?: CallOptions): Promise<ReleaseCalendar>;
  /** Returns from which versions the release brings its stacks to which, with the commits between. Throws `STACK_UNKNOWN`. */
  versions(release: string, options?: CallOptions): Promise<ReleaseVersions>;
  /**
   * Returns a plan: by its digest, which an approval repeats as `of`, or the last one of a task that plans or is planned.
   * Kept for 90 days. Throws `STACK_UNKNOWN`, `NOT_FOUND`.
   */
  plan(release: string, digestOrTask: string, options?: CallOptions): Promise<DeployPlan>;
  /** Returns a page of a plan's stacks, in their order in the plan. Throws `STACK_UNKNOWN`, `NOT_FOUND`. */
  planStacks(
    release: string,
    digestOrTask: string,
    options?: PageOptions & { readonly does?: PlannedStack["does"]; readonly state?: DeployStack["state"] },
  ): Promise<Page<PlannedStack>>;
}

/** Which stacks of a task to list. */
export interface DeployStacksOptions extends PageOptions {
  /** Default: all. */
  readonly state?: DeployStack["state"];
  /** Default `sending`: the order in which they are sent to. */
  readonly order?: "sending" | "failed-first";
}

/** Creates the part of the client for deployments. */
export function createDeploysApi(http: HttpClient): DeploysApi {
  return {
    async list(stackId, { trouble = false, ...options } = {}) {
      const given = { params: { stackId }, query: trouble ? { trouble: "true" } : {} };
      return (await call<typeof op.listDeploys>(http, "GET /v1/stacks/:stackId/deploys", given, options)).items;
    },
    stacks(stackId, task, page) {
      const given = { params: { stackId, task } };
      return callPage<typeof op.listDeployStacks>(http, "GET /v1/stacks/:stackId/deploys/:task", given, page);
    },
    calendar: (stackId, options) =>
      call<typeof op.getReleaseCalendar>(http, "GET /v1/stacks/:stackId/calendar", { params: { stackId } }, options),
    versions: (stackId, options) =>
      call<typeof op.listReleaseVersions>(http, "GET /v1/stacks/:stackId/versions", { params: { stackId } }, options),
    plan: (stackId, plan, options) =>
      call<typeof op.getDeployPlan>(
        http,
        "GET /v1/stacks/:stackId/plans/:plan",
        { params: { stackId, plan } },
        options,
      ),
    planStacks(stackId, plan, page) {
      const given = { params: { stackId, plan } };
      return callPage<typeof op.listPlanStacks>(http, "GET /v1/stacks/:stackId/plans/:plan/stacks", given, page);
    },
  };
}
