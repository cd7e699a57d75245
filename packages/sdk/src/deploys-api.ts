import type {
  Deploy,
  DeployPlan,
  DeployStack,
  PlannedStack,
  ReleaseCalendar,
  ReleaseVersions,
} from "@stackyard/core/api";
import { type CallOptions, type HttpClient, loadItems, loadPage, type Page, type PageOptions } from "./http-client.ts";

/** What the tasks `deploy` of a release have done. */
export interface DeploysApi {
  /** Returns the tasks that have begun. Throws `STACK_UNKNOWN`. */
  list(release: string, options?: CallOptions): Promise<readonly Deploy[]>;
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
  const path = (release: string, ...parts: readonly string[]) => ["v1", "stacks", release, ...parts];
  return {
    list: (release, options) => loadItems(http, path(release, "deploys"), options),
    stacks: (release, task, options) => loadPage(http, path(release, "deploys", task), options),
    calendar: (release, options) => http.requestJson<ReleaseCalendar>({ path: path(release, "calendar"), ...options }),
    versions: (release, options) => http.requestJson<ReleaseVersions>({ path: path(release, "versions"), ...options }),
    plan: (release, plan, options) => http.requestJson<DeployPlan>({ path: path(release, "plans", plan), ...options }),
    planStacks: (release, plan, options) => loadPage(http, path(release, "plans", plan, "stacks"), options),
  };
}
