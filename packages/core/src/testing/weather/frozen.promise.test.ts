import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { defineExecutor, type ExecutorContext, succeeded } from "../../ports/executor.ts";
import { createFakeClock } from "../fake-clock.ts";
import { commonWeathers } from "./common-weathers.ts";
import { exploreWeather } from "./explore.ts";
import { createFreezableProcess, createFreezableProgram, findProcess } from "./freezable-process.ts";
import type { Story } from "./story.ts";
import { taskStory } from "./task-story.ts";

const MINUTE_MS = 60_000;
const STOPPED = commonWeathers.filter(({ name }) => /^(frozen|dies)/.test(name));

/** The bugs of an executor that does not know that its process was frozen, or has died. */
type Bug = "sends without its lease" | "removes what it finds" | "takes its note for the deed";

interface Job {
  isRemoved: boolean;
}

/** A service that starts a job and has no idempotency token; the executor looks for one before, which fails if there is none. */
function jobStory(bug?: Bug): Story {
  return taskStory({
    name: "job",
    async create(sky) {
      const clock = createFakeClock();
      const jobs: Job[] = [];
      const operations: Readonly<Record<string, () => unknown>> = {
        Find() {
          if (jobs.every(({ isRemoved }) => isRemoved)) throw new Error("There is no job.");
        },
        Start: () => jobs.push({ isRemoved: false }),
        Remove: () => jobs.splice(0, jobs.length, ...jobs.map(() => ({ isRemoved: true }))),
      };
      class Client {
        send(operation: string): Promise<unknown> {
          return sky.meet(`Jobs.${operation}`, {}, async () => operations[operation]?.());
        }
      }
      const unguarded = new Client();
      const toClient = (ctx: ExecutorContext) => (bug === undefined ? ctx.aws(Client) : unguarded);
      const executor = defineExecutor({
        name: "job",
        config: Type.Object({}),
        async start(ctx) {
          const client = toClient(ctx);
          const note = { key: "job", value: "requested", expected: "absent", now: ctx.clock.now() } as const;
          const { kind } = await ctx.records.put(note);
          if (kind !== "written" && bug === "takes its note for the deed") return succeeded({});
          const isThere = await client.send("Find").then(
            () => true,
            () => false,
          );
          if (bug === "removes what it finds") await client.send("Remove");
          if (!isThere || bug === "removes what it finds") await client.send("Start");
          await ctx.clock.sleep(6 * MINUTE_MS);
          return succeeded({});
        },
      });
      return {
        clock,
        executor,
        config: {},
        aws: (type) => new type({} as never),
        judge: async () => ({
          truth: jobs.some(({ isRemoved }) => !isRemoved) ? "succeeded" : "failed",
          begun: { job: jobs.length },
          ended: [],
          left: [],
          foreign: jobs.slice(0, -1).some(({ isRemoved }) => isRemoved) ? ["the job of another worker"] : [],
          views: {},
        }),
      };
    },
  });
}

const explore = (story: Story) => exploreWeather(story, STOPPED, { moments: "sampled" });

describe("a worker that is frozen while another continues its work", () => {
  it("does no harm when each request checks the lease", async () => {
    const report = await explore(jobStory());

    expect(report.findings).toEqual([]);
    expect(Object.keys(report.moments)).toEqual(
      expect.arrayContaining(["store.claim", "Jobs.Find", "Jobs.Start", "look.worker", "store.settle"]),
    );
    expect(report.runs).toBeGreaterThan(10);
  });

  it.each<[Bug, string]>([
    ["sends without its lease", "frozen 2 min at Jobs.Find: once"],
    ["removes what it finds", "frozen 2 min at Jobs.Find: foreign"],
    ["takes its note for the deed", "dies after at store.put: true"],
  ])("finds the planted bug “%s”", async (bug, found) => {
    const { findings } = await explore(jobStory(bug));

    expect(findings.map(({ place, invariant }) => `${place}: ${invariant}`)).toContain(found);
  });
});

describe("a frozen process", () => {
  it("has timers that end when it continues", async () => {
    const clock = createFakeClock();
    const process = createFreezableProcess(clock);
    const woken: number[] = [];
    void process.clock.sleep(1_000).then(() => woken.push(clock.now()));
    const begin = clock.now();

    void process.freeze(() => clock.sleep(5_000));
    await clock.advance(10_000);

    expect(woken.map((at) => at - begin)).toEqual([5_000]);
    expect(process.frozen()).toBeUndefined();
  });

  it("leaves its work to another one, and continues it afterwards", async () => {
    const clock = createFakeClock();
    const done: string[] = [];
    const names = ["first", "second"];
    const program = createFreezableProgram(clock, (own) => {
      const name = names.shift() ?? "";
      return async (frozenMs: number) => {
        if (frozenMs > 0) void findProcess()?.freeze(() => clock.sleep(frozenMs));
        await own.sleep(1_000);
        done.push(name);
      };
    });

    const first = program(5_000).catch((error: Error) => error.message);
    const second = program(0);
    await clock.advance(10_000);

    expect([await first, await second, done]).toEqual(["The process does not answer.", undefined, ["second", "first"]]);
  });
});
