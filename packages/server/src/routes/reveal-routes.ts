import { StackyardError, type Store } from "@stackyard/core";
import { RevealedSecret } from "@stackyard/core/api";
import { Type } from "typebox";
import { defineRoute, json, type Route } from "../http/route.ts";
import { StackId } from "../schemas/event.ts";
import { maskReason } from "./mask-reason.ts";
import { loadStack } from "./operation-routes.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the route that reveals one sensitive value of a stack to people. */
export function revealRoutes({ store, audit }: RouteDeps): readonly Route[] {
  return [
    defineRoute("POST", "/v1/stacks/:stackId/secrets/:key/reveal", {
      operationId: "revealSecret",
      permission: "secrets:read",
      subject: "stack",
      audited: true,
      tag: "stacks",
      summary:
        "A sensitive value of a stack's metadata. Recorded in the audit log before it is read; fails if that record cannot be written.",
      params: { stackId: StackId, key: Type.String({ minLength: 1, maxLength: 255 }) },
      body: Type.Object({ reason: Type.String({ minLength: 1, maxLength: 4_096 }) }),
      answers: {
        200: { description: "The value.", schema: RevealedSecret },
        403: { description: "FORBIDDEN: no role includes `secrets:read`." },
        404: { description: "STACK_UNKNOWN, or NOT_FOUND: the stack has no sensitive value of that name." },
      },
      async handle({ params: { stackId, key }, body }, { sender }) {
        const reason = await maskReason(store, body.reason, { stackIds: [stackId] });
        const action = { action: "revealSecret", who: sender, via: "api", on: { stackId, key }, reason };
        return json(200, await audit.run(action, () => reveal(store, stackId, key)));
      },
    }),
  ];
}

async function reveal(store: Store, stackId: string, key: string): Promise<RevealedSecret> {
  const { metadata, secretVersions = {} } = await loadStack(store, stackId);
  if (!Object.hasOwn(secretVersions, key) || !Object.hasOwn(metadata, key)) {
    throw new StackyardError("NOT_FOUND", `Stack "${stackId}" has no sensitive value "${key}".`);
  }
  return { stackId, key, value: metadata[key] ?? null };
}
