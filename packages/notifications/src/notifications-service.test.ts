import { notify } from "@stackyard/core/services";
import { afterEach, describe, expect, it } from "vitest";
import type { PostAnswer } from "./post-json.ts";
import { createServiceBench, dieAtCall } from "./testing/service-bench.ts";

const LEAKED = `  - { name: leaked, when: "entry.to == 'LEAKED'", to: [team]`;
const HOUR = 3_600_000;

const benches: ReturnType<typeof createServiceBench>[] = [];
afterEach(() => {
  for (const bench of benches.splice(0)) bench.remove();
});

/** A bench whose service has begun to follow. */
async function createBench(rules: string) {
  const bench = createServiceBench(rules);
  benches.push(bench);
  bench.add({ to: "LIVE" });
  const { tick } = bench.start();
  await tick();
  const titles = () => bench.posts.map(({ body }) => JSON.parse(body).text);
  return { ...bench, tick, titles };
}

const answer = (status: number, retryAfterMs?: number): PostAnswer => ({ status, text: "", retryAfterMs });

describe("the service of notifications", () => {
  it("sends what a rule says about a line, once, and asks to be called again", async () => {
    const { add, tick, titles, clock } = await createBench(`${LEAKED}, title: "\${stack.id} is left" }\n`);
    add();
    add({ to: "LIVE" });

    const nextAt = await tick();
    await tick();

    expect(titles()).toEqual(["shop-pr-7 is left"]);
    expect(nextAt).toBe(clock.now() + 5_000);
  });

  it("does not load the stacks of lines that match no rule", async () => {
    const { add, tick, start } = await createBench(`${LEAKED} }\n`);
    await tick();
    const calls: number[] = [];
    const counting = start((work) => {
      calls.push(1);
      return work();
    });
    await counting.tick();
    const idle = calls.length;
    add({ to: "LIVE" });

    await counting.tick();

    // Each of two channels reads the lines, looks for a gap, and stores its position.
    expect(calls.length - idle).toBe(idle + 2);
  });

  it("sends notices, but not those about a channel on this channel", async () => {
    const { records, clock, tick, posts } = await createBench(
      `  - { name: letters, when: "notice.kind in ['dead-letter', 'channel-failed']", to: [team, pager] }\n`,
    );
    await notify({ records, clock }, { kind: "dead-letter", title: "Dead", text: "Why", key: "1", data: {} });
    await tick();
    expect(posts).toHaveLength(2);

    const failed = { kind: "channel-failed", title: "Down", text: "Why", key: "2", data: { channel: "team" } };
    await notify({ records, clock }, failed);
    await tick();

    expect(posts.map(({ url }) => new URL(url).pathname).toSorted()).toEqual(["/v2/enqueue", "/v2/enqueue", "/x"]);
  });

  it("notes a rule that fails once, and sends what the other rules say", async () => {
    const { add, tick, titles } = await createBench(
      `  - { name: cost, when: "metadata.cost > 5", to: [team] }\n${LEAKED}, title: left }\n` +
        `  - { name: faults, when: "notice.kind == 'rule-failed'", to: [team] }\n`,
    );
    add();
    add({ stackId: "other" });

    await tick();
    await tick();

    expect(titles()).toEqual(["left", "left", "rules.cost.when of the notifications failed"]);
  });

  it("collects a digest, which has all entries and is one message", async () => {
    const { add, tick, posts, clock } = await createBench(
      `${LEAKED}, title: "\${stack.id}", digest: { every: 1h, max: 2 } }\n`,
    );
    for (const stackId of ["a", "b", "c"]) add({ stackId });
    await tick();
    expect(posts).toEqual([]);
    await clock.advance(HOUR);

    await tick();

    const [post] = posts;
    const { text, blocks } = JSON.parse(post?.body ?? "{}");
    expect(posts).toHaveLength(1);
    expect(text).toBe('3 notifications of "leaked"');
    expect(blocks[1].text.text).toMatch(/ {2}a\n.* {2}b\nand 1 more$/);
  });

  it("sends a digest of one as what it is", async () => {
    const { add, tick, titles, clock } = await createBench(`${LEAKED}, title: left, digest: { every: 1h } }\n`);
    add();
    await tick();
    await clock.advance(HOUR);

    await tick();

    expect(titles()).toEqual(["left"]);
  });

  it("repeats what a service does not take now, and waits as long as it asks", async () => {
    const { add, tick, posts, clock, answers } = await createBench(`${LEAKED} }\n`);
    answers.next = async () => answer(429, 120_000);
    add();
    add({ stackId: "other" });
    await tick();
    expect(posts).toHaveLength(1);
    await clock.advance(119_000);
    await tick();
    expect(posts).toHaveLength(1);
    answers.next = async () => answer(200);
    await clock.advance(1_000);

    await tick();

    expect(posts).toHaveLength(3);
  });

  it("continues after a notification that is refused, and tells it on another channel once a day", async () => {
    const { add, tick, answers, posts, titles } = await createBench(
      `  - { name: leaked, when: "entry.to == 'LEAKED'", to: [pager] }\n` +
        `  - { name: failed, when: "notice.kind == 'channel-failed'", to: [team, pager] }\n`,
    );
    answers.next = async ({ url }) => answer(url.endsWith("/x") ? 200 : 400);
    for (const stackId of ["a", "b", "c"]) add({ stackId });

    await tick();
    await tick();

    expect(posts.filter(({ url }) => url.endsWith("/v2/enqueue"))).toHaveLength(3);
    expect(titles().filter(Boolean)).toEqual(['The channel "pager" refuses notifications of "leaked"']);
  });

  it("waits for a person when a channel is closed, tells it at once on another one, and loses nothing", async () => {
    const { add, tick, answers, posts, clock } = await createBench(
      `  - { name: leaked, when: "entry.to == 'LEAKED'", to: [team], title: "\${stack.id}" }\n` +
        `  - { name: failed, when: "notice.kind == 'channel-failed'", to: [team, pager] }\n`,
    );
    answers.next = async ({ url }) => answer(url.endsWith("/x") ? 404 : 202);
    for (const stackId of ["a", "b", "c"]) add({ stackId });
    for (let minute = 0; minute < 60; minute++) {
      await tick();
      await clock.advance(60_000);
    }
    const paged = posts.filter(({ url }) => url.endsWith("/v2/enqueue"));
    expect(paged.map(({ body }) => JSON.parse(body).payload.summary)).toEqual([
      'The channel "team" takes no notifications',
    ]);
    answers.next = async () => answer(200);
    posts.length = 0;
    await clock.advance(HOUR);

    await tick();

    expect(posts.map(({ body }) => JSON.parse(body).text)).toEqual(["a", "b", "c"]);
  });

  it("does not hold up other channels with one that fails", async () => {
    const { add, tick, posts, answers } = await createBench(
      `  - { name: leaked, when: "entry.to == 'LEAKED'", to: [team, pager] }\n`,
    );
    answers.next = async ({ url }) => {
      if (url.endsWith("/x")) throw new Error("connect ECONNREFUSED");
      return answer(202);
    };
    add();
    add({ stackId: "other" });

    await tick();

    expect(posts.filter(({ url }) => url.endsWith("/v2/enqueue"))).toHaveLength(2);
  });

  it("begins a renamed channel at the end, and follows no channel that was removed", async () => {
    const { add, tick, write, titles } = await createBench(`${LEAKED}, title: "\${stack.id}" }\n`);
    add({ stackId: "before" });
    write(`channels: { other: { type: slack, url: { env: SLACK } } }\nrules:\n${LEAKED.replace("team", "other")} }\n`);
    await tick();
    add({ stackId: "after" });

    await tick();

    expect(titles()).toEqual(["after: FAILED, CLEAN-UP → LEAKED"]);
  });

  it("fails with the places of faults in the document, and continues once they are corrected", async () => {
    const { add, tick, write, titles } = await createBench(`${LEAKED}, title: left }\n`);
    add();
    write("channels: {}\nrules: []\n");
    await expect(tick()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("notifications.yaml:1:11"),
    });
    write(`channels: { team: { type: slack, url: { env: A } } }\nrules:\n${LEAKED}, title: left }\n`);

    await tick();

    expect(titles()).toEqual(["left"]);
  });

  it("sends each notification under one id, whatever call a process dies at", async () => {
    const rules =
      `${LEAKED}, title: "\${stack.id}", dedupe: { key: "\${stack.id}", for: 1h }, resolve: "entry.to == 'GONE'" }\n` +
      `  - { name: letters, when: "notice.kind == 'orphan'", to: [team] }\n`;
    const play = async (at: number, when: "before" | "after") => {
      const { add, start, records, clock, posts } = await createBench(rules.replaceAll("[team]", "[pager]"));
      add();
      add({ to: "GONE" });
      await notify({ records, clock }, { kind: "orphan", key: "arn:1", title: "Left", text: "" });
      const { call, hasDied } = dieAtCall(at, when);
      await start(call)
        .tick()
        .catch(() => undefined);
      // The lease of what was claimed ends.
      await clock.advance(61_000);
      const next = start();
      await next.tick();
      await next.tick();
      const sent = posts.map(({ body }) => {
        const { event_action, dedup_key } = JSON.parse(body);
        return `${event_action} ${dedup_key}`;
      });
      return { hasDied: hasDied(), sent };
    };
    const { sent: expected } = await play(Number.POSITIVE_INFINITY, "before");
    expect(new Set(expected).size).toBe(3);

    let deaths = 0;
    for (let at = 1; ; at++) {
      const runs = [await play(at, "before"), await play(at, "after")];
      for (const { sent } of runs) expect(new Set(sent)).toEqual(new Set(expected));
      if (!runs.some(({ hasDied }) => hasDied)) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(20);
  });
});
