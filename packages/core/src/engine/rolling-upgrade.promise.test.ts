import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { defineExecutor, running, succeeded } from "../ports/executor.ts";
import type { Change } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import { countingIds, createFakeClock, settlePromises } from "../testing/fake-clock.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { createTrialLocator, TRIAL_SOURCE } from "../testing/trial.ts";
import { publishMessages } from "./engine.ts";
import { startYard } from "./yard.ts";

const NEWS = { fieldOfANewerVersion: { deep: [1] } };

const addNews = <Value extends object>(value: Value): Value => ({ ...value, ...NEWS });

/** The store as this version sees it when a newer one has written to it: with unknown fields. */
function asWrittenByNewer(store: Store): Store {
  return {
    ...store,
    async load(ids) {
      const loaded = await store.load(ids);
      return loaded.map((each) => {
        if (each.stack === undefined) return addNews(each);
        const { stack } = each;
        const lists = {
          tasks: stack.tasks.map(addNews),
          runs: stack.runs.map(addNews),
          timers: stack.timers.map(addNews),
        };
        return addNews({ ...each, stack: addNews({ ...stack, ...lists }) });
      });
    },
    // The newer one has written each stack since, so that its version is another.
    async commit(changes) {
      const isOutdated = ({ expectedVersion, write }: Change) =>
        expectedVersion > 0 && write.kind === "put" && !("fieldOfANewerVersion" in write.stack);
      const results = (await store.commit(changes.filter((change) => !isOutdated(change)))).values();
      return changes.map((change) => (isOutdated(change) ? undefined : results.next().value) ?? { kind: "conflict" });
    },
    async takeDue(input) {
      const items = await store.takeDue(input);
      return items.map((item) => {
        if (item.kind === "event") {
          return addNews({ ...item, event: addNews({ ...item.event, message: addNews(item.event.message) }) });
        }
        if (!("message" in item)) return addNews(item);
        const { task, stack, dispatch } = item.message;
        const message = addNews({ task: addNews(task), stack: addNews(stack), dispatch: addNews(dispatch) });
        return addNews({ ...item, message });
      });
    },
    async claim(input) {
      const claimed = await store.claim(input);
      if (claimed.kind !== "granted" || typeof claimed.progress !== "object" || claimed.progress === null)
        return claimed;
      return addNews({ ...claimed, grant: claimed.grant, progress: addNews(claimed.progress) });
    },
  };
}

/** Runs an environment from its beginning to its removal, and gives its history. */
async function runEnvironment(view: (store: Store) => Store) {
  const clock = createFakeClock();
  const ids = countingIds();
  const logger = createRecordingLogger();
  const own = createMemoryStore();
  const store = view(own);
  const committed: unknown[] = [];
  const spied: Store = {
    ...store,
    async commit(changes) {
      const results = await store.commit(changes);
      for (const [index, { write }] of changes.entries()) {
        if (results[index]?.kind === "committed" && write.kind === "put") committed.push(write.stack);
      }
      return results;
    },
  };
  const work = defineExecutor({
    name: "work",
    config: Type.Object({}),
    progress: Type.Object({ step: Type.Number() }),
    start: async () => running({ progress: { step: 1 }, pollAfterMs: 1_000, message: "half way" }),
    poll: async (_ctx, _config, { step }) => succeeded({ step }),
  });
  const executors = new Map([["work", work]]);
  const locator = createTrialLocator(executors, { app: TRIAL_SOURCE });
  const yard = startYard({ store: spied, locator, executors, clock, ids, logger });
  for (const event of ["OPENED", "PUSHED", "MERGED"]) {
    await publishMessages({ store, clock, ids }, [{ id: event, stackId: "pr-1", event, machine: "app" }]);
    await clock.advance(60_000);
    await settlePromises();
  }
  await yard.stop();
  const { items } = await own.queries.listHistory({ stackId: "pr-1", newestFirst: false }, { limit: 1_000 });
  return { history: items, committed, faults: [...logger.list("error"), ...logger.list("warn")] };
}

describe("an older version next to a newer one", () => {
  it("handles records of the newer one as if it had written them itself", async () => {
    const plain = await runEnvironment((store) => store);
    const mixed = await runEnvironment(asWrittenByNewer);

    expect(plain.history.map(({ outcome }) => outcome)).toContain("removed");
    expect(mixed.history).toEqual(plain.history);
    expect([mixed.faults, mixed.faults]).toEqual([plain.faults, []]);
  });

  it("keeps what it does not know in the record of a stack that it writes", async () => {
    const { committed } = await runEnvironment(asWrittenByNewer);
    const later = committed.slice(1);

    expect(later.length).toBeGreaterThan(3);
    for (const stack of later) expect(stack).toMatchObject(NEWS);
  });
});
