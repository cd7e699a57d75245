import { describe, expect, it } from "vitest";
import type { TaskReport } from "./control-plane.ts";
import { createFeed } from "./feed.ts";
import { waitForRollOut } from "./roll-out.ts";

const rollOut = { stackId: "pr-12", sha: "4be2" };

function createFeeds() {
  const options = { signal: new AbortController().signal, waitMs: 20 };
  return {
    history: createFeed<{ stackId: string; event: string; to: string }>(options),
    reports: createFeed<TaskReport>(options),
  };
}

describe("a roll-out", () => {
  it.each(["terraform_data.app (local-exec): starting 4be2", "making a postgres database for pr-12"])(
    "is at work when its task says so: %s",
    async (line) => {
      const feeds = createFeeds();
      const working = waitForRollOut(feeds, rollOut);

      feeds.reports.push({ stackId: "pr-12", task: "app", line });

      await expect(working).resolves.toBeUndefined();
    },
  );

  it("whose start was not seen because the control plane was killed is known by its end", async () => {
    const feeds = createFeeds();
    const working = waitForRollOut(feeds, rollOut);

    feeds.reports.push({ stackId: "pr-12", task: "app", line: "Apply complete! Resources: 0 added, 0 changed." });
    feeds.history.push({ stackId: "pr-12", event: "TASK_COMPLETED", to: "LIVE" });

    await expect(working).resolves.toBeUndefined();
  });

  it("is not what happens to others, and is not waited for without end", async () => {
    const feeds = createFeeds();
    const working = waitForRollOut(feeds, rollOut);

    feeds.reports.push({ stackId: "pr-7", task: "app", line: "starting 77aa" });
    feeds.history.push({ stackId: "pr-12", event: "TASK_COMPLETED", to: "ROLL-OUT" });

    await expect(working).rejects.toThrow("before the roll-out of 4be2 to pr-12 was at work.");
  });
});
