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

    // The lines are read, the gap is looked for, and the position is stored.
    expect(calls.length - idle).toBe(idle + 1);
  });

  it("sends notices, but not those of a dead letter on the channel that it died on", async () => {
    const { records, clock, tick, posts } = await createBench(
      `  - { name: letters, when: "notice.kind == 'dead-letter'", to: [team, pager] }\n`,
    );
    const letter = { kind: "dead-letter", title: "Dead", text: "Why" };
    await notify({ records, clock }, { ...letter, key: "1", data: { queue: "hooks", key: "a/team/1" } });
    await tick();
    expect(posts).toHaveLength(2);

    await notify({ records, clock }, { ...letter, key: "2", data: { queue: "notifications", key: "a/team/1" } });
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

    expect(titles().toSorted()).toEqual(["left", "left", "rules.cost.when of the notifications failed"]);
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
    await clock.advance(61_000);

    await tick();

    expect(posts).toHaveLength(3);
  });

  it("makes a dead letter at once of what is refused permanently, and continues", async () => {
    const { add, tick, queue, answers, posts } = await createBench(`${LEAKED} }\n`);
    answers.next = async () => answer(404);
    add();
    add({ stackId: "other" });

    await tick();

    const { items } = await queue.list({ limit: 10 });
    expect(items.map(({ deadAt, failure }) => [deadAt !== undefined, failure?.message])).toEqual([
      [true, "The service answered 404."],
      [true, "The service answered 404."],
    ]);
    expect(posts).toHaveLength(2);
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

  it("buries what is for a channel that was removed", async () => {
    const { add, tick, queue, write, clock } = await createBench(`${LEAKED}, digest: { every: 1h } }\n`);
    add();
    await tick();
    write(`channels: { other: { type: slack, url: { env: SLACK } } }\nrules: []\n`);
    await clock.advance(HOUR);

    await tick();

    const { items } = await queue.list({ limit: 10 });
    expect(items[0]?.failure?.message).toMatch(/^Unknown channel "team"/);
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
