import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Records, type ServiceDeps, type Stack, silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator } from "@stackyard/core/engine";
import { createServiceRunner } from "@stackyard/core/services";
import { countingIds, createFakeClock } from "@stackyard/core/testing";
import { createNotificationsService } from "../notifications-service.ts";
import type { JsonPost, PostAnswer } from "../post-json.ts";
import type { HistoryLine } from "../to-subject.ts";
import { aLine, CHANNELS } from "./builders.ts";

/** A process's call to the outside: it may die at one. */
type Call = <Result>(work: () => Promise<Result>) => Promise<Result>;

const goOn: Call = (work) => work();
const OK: PostAnswer = { status: 200, text: "ok", retryAfterMs: undefined };

/** Creates the service over a store in memory and a history that tests write. */
export function createServiceBench(rules: string) {
  const projectDir = mkdtempSync(join(tmpdir(), "notifications-"));
  const write = (text: string): void => writeFileSync(join(projectDir, "notifications.yaml"), text);
  write(`${CHANNELS}rules:\n${rules}`);
  const clock = createFakeClock();
  const store = createMemoryStore();
  const { records } = store;
  const lines: HistoryLine[] = [];
  const stacks = new Map<string, Stack>();
  const posts: JsonPost[] = [];
  const history = { isReadable: true };
  const answers = { next: (_: JsonPost): Promise<PostAnswer> => Promise.resolve(OK) };

  /** Starts a process over the store. */
  function start(call: Call = goOn) {
    const dying: Records = {
      get: (...input) => call(() => records.get(...input)),
      put: (input) => call(() => records.put(input)),
      remove: (...input) => call(() => records.remove(...input)),
      list: (...input) => call(() => records.list(...input)),
    };
    const post = (input: JsonPost): Promise<PostAnswer> =>
      call(() => {
        posts.push(input);
        return answers.next(input);
      });
    const service = createNotificationsService({}, { projectDir }, post);
    const listHistory: ServiceDeps["queries"]["listHistory"] = (filter, { cursor, limit }) =>
      call(async () => {
        if (!history.isReadable) throw new Error("The history cannot be read.");
        const found = lines.filter(({ position }) => position > Number(cursor ?? 0));
        const items = (filter.newestFirst === true ? found.toReversed() : found).slice(0, limit);
        const last = items.at(-1)?.position;
        return { items, ...(found.length > items.length && last !== undefined && { cursor: String(last) }) };
      });
    const { deps } = createServiceRunner(
      {
        store: { ...store, records: dying, queries: { ...store.queries, listHistory } },
        locator: createStaticLocator([]),
        clock,
        ids: countingIds(),
        random: () => 0,
        logger: silentLogger,
        readSecret: async () => "https://hooks.example.org/x",
      },
      [service],
    );
    const findStack: ServiceDeps["findStack"] = (id) => call(async () => stacks.get(id));
    const own = { ...deps, findStack };
    return {
      tick: async (until = Number.POSITIVE_INFINITY) => service.tick?.(own, until),
      dueAt: async () => service.dueAt?.(own),
    };
  }

  return {
    clock,
    records,
    stacks,
    posts,
    answers,
    history,
    write,
    start,
    add(over: Partial<HistoryLine> = {}) {
      lines.push(aLine({ position: lines.length + 1, at: clock.now(), ...over }));
    },
    remove: () => rmSync(projectDir, { recursive: true }),
  };
}

/** Dies at a call, before or after it is done: the process does nothing afterwards. */
export function dieAtCall(at: number, when: "before" | "after") {
  let calls = 0;
  const died = new Error("The process has died.");
  const call: Call = async (work) => {
    calls += 1;
    if (calls > at || (calls === at && when === "before")) throw died;
    const result = await work();
    if (calls >= at) throw died;
    return result;
  };
  return { call, hasDied: () => calls >= at };
}
