import { defined } from "@stackyard/core";
import { OrphanCheck, Orphan as OrphanSchema } from "@stackyard/core/api";
import {
  findOrphanCheck,
  findPreviewLink,
  listOrphans,
  type Orphan,
  type OrphanCheck as StoredCheck,
} from "@stackyard/core/services";
import { Type } from "typebox";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageOf, pageQuery, toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput } from "./to-page.ts";

const MOST = 100;

/** Defines the list of resources that removed stacks left behind. */
export function orphanRoutes(deps: RouteDeps): readonly Route[] {
  return [
    defineRoute("GET", "/v1/orphans", {
      operationId: "listOrphans",
      permission: "read",
      subject: "yard",
      tag: "previews",
      summary:
        "List resources and Terraform states of stacks that have been gone for an hour, at most 100 stacks a page. A page may be empty and have a cursor.",
      query: pageQuery,
      answers: {
        200: {
          description: "A page, and the last search. Without a search, nothing is known.",
          schema: Type.Object({ ...pageOf(OrphanSchema).properties, check: Type.Optional(OrphanCheck) }),
        },
      },
      async handle({ query }) {
        const { limit, ...page } = pageInput(query);
        const { items, cursor, unreadable } = await listOrphans(deps, { ...page, limit: Math.min(limit, MOST) });
        const check = await findOrphanCheck(deps);
        const views = await Promise.all(items.map((orphan) => toOrphan(deps, orphan)));
        return json(200, { items: views, ...defined({ cursor, unreadable, check: check && toCheck(check) }) });
      },
    }),
  ];
}

/** Converts an orphan for the API, with the removing event from the pull request's `down` rule. */
async function toOrphan(deps: RouteDeps, orphan: Orphan): Promise<OrphanSchema> {
  const { stackId, machine, since, count, resources } = orphan;
  const link = await findPreviewLink(deps, stackId);
  return { stackId, machine, since: toInstant(since), count, resources, ...defined({ down: link?.commands?.down }) };
}

function toCheck({ at, failures }: StoredCheck): OrphanCheck {
  return { failures, ...defined({ at: at === undefined ? undefined : toInstant(at) }) };
}
