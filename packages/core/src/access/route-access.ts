import type { Permission } from "./permissions.ts";

/**
 * The subject of an operation, which decides who checks the permission there. `list`: the permission is needed somewhere,
 * and the handler shows what the caller may see. `items`: the handler checks each item, which may need different
 * permissions. `yard`: only a grant without limits. The others name their parameter: `stack` (`stackId`), `machine`
 * (`name`), `attempt` (`attemptId`), `approval` (`approvalId`), `job` (`jobId`; without one a new job) and `state`
 * (`key`).
 */
export type RouteSubject = "list" | "items" | "yard" | "stack" | "machine" | "attempt" | "approval" | "job" | "state";

/** Which permission an operation needs, and for what. A route without it does not compile. */
export type RouteAccess =
  | { readonly permission: "public" | "signed-in"; readonly subject: "none" }
  | { readonly permission: Permission; readonly subject: RouteSubject };
