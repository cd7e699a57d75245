import { defined } from "@stackyard/core";
import type { OrphanCheck, Orphan as OrphanView } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import {
  findOrphanCheck,
  listOrphans,
  type Orphan,
  previewLinks,
  type OrphanCheck as StoredCheck,
} from "@stackyard/core/services";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput } from "./to-page.ts";

const MOST = 100;

/** Defines the list of resources that removed stacks left behind. */
export function orphanRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.listOrphans, async ({ query }) => {
      const { limit, ...page } = pageInput(query);
      const { items, cursor, unreadable } = await listOrphans(deps, { ...page, limit: Math.min(limit, MOST) });
      const check = await findOrphanCheck(deps);
      const views = await Promise.all(items.map((orphan) => toOrphan(deps, orphan)));
      return reply(200, { items: views, ...defined({ cursor, unreadable, check: check && toCheck(check) }) });
    }),
  ];
}

/** Converts an orphan for the API, with the removing event from the pull request's `down` rule. */
async function toOrphan(deps: RouteDeps, orphan: Orphan): Promise<OrphanView> {
  const { stackId, machine, since, count, resources } = orphan;
  const link = await previewLinks.find(deps, stackId);
  return { stackId, machine, since: toInstant(since), count, resources, ...defined({ down: link?.commands?.down }) };
}

function toCheck({ at, failures }: StoredCheck): OrphanCheck {
  return { failures, ...defined({ at: at === undefined ? undefined : toInstant(at) }) };
}
