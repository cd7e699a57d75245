import { listPages, type PageStart, type PluginService, type ServiceDeps } from "@stackyard/core";
import { answer, type IdleQuestion, listOpenQuestions } from "./idle-questions.ts";

/** The event that shows that a preview is in use. */
const EVENT = "ACTIVE";
const PAGE = 200;
/** The most pages of history that are read: a stack with more lines is in use. */
const MOST_PAGES = 50;

/** Creates the service that answers tasks with the last event `ACTIVE` of their stacks. */
export function createIdleService(): PluginService {
  return {
    name: "idle",
    async dueAt(deps) {
      for await (const _ of listOpenQuestions(deps)) return deps.clock.now();
      return undefined;
    },
    async tick(deps, until) {
      for await (const { name, value } of listOpenQuestions(deps)) {
        const answeredAt = deps.clock.now();
        if (deps.signal.aborted || answeredAt >= until) return answeredAt;
        await answer(deps, name, { since: value.since, answeredAt, activeAt: await findLastActive(deps, value) });
      }
      return undefined;
    },
  };
}

/**
 * Returns the last event. A redelivered event has no second line. Unhandled events count too: the preview is in use
 * anyway.
 */
async function findLastActive(
  { queries, clock }: ServiceDeps,
  { stack, since }: IdleQuestion,
): Promise<number | undefined> {
  const load = (start: PageStart) =>
    queries.listHistory({ stackId: stack, newestFirst: true }, { limit: PAGE, ...start });
  let pages = 0;
  for await (const { items } of listPages(load)) {
    const found = items.find(({ event, at }) => event === EVENT || at <= since);
    if (found !== undefined) return found.at > since ? found.at : undefined;
    pages += 1;
    if (pages >= MOST_PAGES) return clock.now();
  }
  return undefined;
}
