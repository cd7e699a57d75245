import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { defineExecutor, type ExecutorContext, succeeded } from "../../ports/executor.ts";
import { createFakeClock } from "../fake-clock.ts";
import { commonWeathers } from "./common-weathers.ts";
import { exploreWeather } from "./explore.ts";
import { createFreezableProcess, runFreezable } from "./freezable-process.ts";
import type { Story } from "./story.ts";
import { taskStory } from "./task-story.ts";

const MINUTE_MS = 60_000;
const FROZEN = commonWeathers.filter(({ name }) => name.startsWith("frozen"));

/** The bugs of an executor that does not know that its process was frozen. */
type Bug = "sends without its lease" | "removes what it finds";

interface Job {
  isRemoved: boolean;
}

/** A service that starts a job by name and has no idempotency token; the executor reads what is there before. */
function jobStory(bug?: Bug): Story {
  return taskStory({
    name: "job",
    async create(sky) {
      const clock = createFakeClock();
      const jobs: Job[] = [];
      const operations: Readonly<Record<string, () => unknown>> = {
        List: () => jobs.filter(({ isRemoved }) => !isRemoved).length,
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
          const isThere = Number(await client.send("List")) > 0;
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

const explore = (story: Story) => exploreWeather(story, FROZEN, { moments: "sampled" });

describe("a worker that is frozen while another continues its work", () => {
  it("does no harm when each request checks the lease", async () => {
    const report = await explore(jobStory());

    expect(report.findings).toEqual([]);
    expect(Object.keys(report.moments)).toEqual(
      expect.arrayContaining(["store.claim", "Jobs.List", "Jobs.Start", "look.worker", "store.settle"]),
    );
    expect(report.runs).toBeGreaterThan(10);
  });

  it.each<[Bug, string]>([
    ["sends without its lease", "frozen 2 min at Jobs.List: once"],
    ["removes what it finds", "frozen 2 min at Jobs.List: foreign"],
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

    void process.freeze(clock.sleep(5_000));
    await clock.advance(10_000);

    expect(woken.map((at) => at - begin)).toEqual([5_000]);
    expect(process.frozen()).toBeUndefined();
  });

  it("leaves its work to a later one, and continues it afterwards", async () => {
    const clock = createFakeClock();
    const done: string[] = [];
    const first = runFreezable(clock, async (own) => {
      await own.sleep(1_000);
      done.push("first");
    });
    await clock.advance(1_000);

    await first;

    expect(done).toEqual(["first"]);
  });
});
