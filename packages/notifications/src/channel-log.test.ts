import { aStack } from "@stackyard/core/testing";
import { afterEach, describe, expect, it } from "vitest";
import type { PostAnswer } from "./post-json.ts";
import { createChat, createPager } from "./testing/receivers.ts";
import { createServiceBench } from "./testing/service-bench.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
const PAIR = `  - { name: leaked, when: "entry.to == 'LEAKED'", resolve: "entry.from == 'LEAKED'", to: [pager] }\n`;
const DOWN = `  - { name: page, when: "entry.to == 'DOWN'", to: [pager] }\n`;
const TEAM = `  - { name: leaked, when: "entry.to == 'LEAKED'", to: [team], title: "\${stack.id}" }\n`;

const benches: ReturnType<typeof createServiceBench>[] = [];
afterEach(() => {
  for (const bench of benches.splice(0)) bench.remove();
});

const answer = (status: number): PostAnswer => ({ status, text: "", retryAfterMs: undefined });

/** A bench whose channels have begun, with a pager that takes what is for it, while `isDown` is false for it. */
async function createBench(rules: string) {
  const bench = createServiceBench(rules);
  benches.push(bench);
  bench.add({ from: "NEW", to: "LIVE" });
  const { tick, dueAt } = bench.start();
  await tick();
  const pager = createPager();
  const down = { team: false, pager: false };
  bench.answers.next = async (post) => {
    const isPager = post.url.endsWith("/v2/enqueue");
    if (isPager ? down.pager : down.team) return answer(503);
    return isPager ? pager.take(post) : answer(200);
  };
  const texts = () => bench.posts.filter(({ url }) => url.endsWith("/x")).map(({ body }) => JSON.parse(body).text);
  return { ...bench, tick, dueAt, pager, down, texts };
}

describe("the order of a channel", () => {
  // sentry#122790, harold#24: an end that comes before its begin leaves an alert open.
  it("tells what began before what ended it, however they are read", async () => {
    for (let lines = 0; lines < 10; lines++) {
      const { add, tick, pager } = await createBench(PAIR);
      for (let line = 0; line < lines; line++) add({ to: "LIVE" });
      add({ from: "LIVE", to: "LEAKED" });
      add({ from: "LEAKED", to: "LIVE" });

      await tick();

      expect([pager.actions, pager.open()]).toEqual([["trigger", "resolve"], 0]);
    }
  });

  it("is that of the history, for each stack and between stacks", async () => {
    const { add, tick, texts } = await createBench(
      `  - { name: all, when: "entry.to != 'NONE'", to: [team], title: "\${stack.id} \${entry.to}" }\n`,
    );
    const course = ["A", "B", "C", "D"].flatMap((to) => ["one", "two"].map((stackId) => ({ stackId, to })));
    for (const line of course) add(line);

    await tick();

    expect(texts()).toEqual(course.map(({ stackId, to }) => `${stackId} ${to}`));
  });

  // openclaw#27210: the message of a stack ends with a state that is not its last.
  it("makes the message of a stack show its last state", async () => {
    const bench = createServiceBench("");
    benches.push(bench);
    const app = "channels: { app: { type: slack-app, channel: C0123456789, token: { env: T } } }";
    bench.write(`${app}\nrules:\n  - { name: all, when: "true", to: [app], title: "\${entry.to}" }\n`);
    const chat = createChat();
    bench.answers.next = async (post) => chat.take(post);
    const { tick } = bench.start();
    await tick();
    for (const to of ["UPDATE", "BROKEN", "AGAIN", "LIVE"]) bench.add({ to });

    await tick();

    expect(chat.shown()).toEqual(["shop-pr-7: LIVE"]);
  });

  // signoz#12891, sentry PR 28150: the begin is being repeated when the end comes.
  it("tells only the end of what began and ended while the channel took nothing", async () => {
    const { add, tick, pager, down, clock } = await createBench(PAIR);
    down.pager = true;
    add({ from: "LIVE", to: "LEAKED" });
    add({ stackId: "still", from: "LIVE", to: "LEAKED" });
    for (let minute = 0; minute < 10; minute++) {
      await tick();
      await clock.advance(MINUTE);
    }
    add({ from: "LEAKED", to: "LIVE" });
    down.pager = false;
    await clock.advance(HOUR);

    await tick();

    expect([pager.actions, pager.open()]).toEqual([["trigger", "resolve"], 1]);
  });

  it("ends the alert of a stack that is removed by force, also under a key of its own", async () => {
    for (const dedupe of ["", `, dedupe: { key: "\${metadata.team}", for: 1h }`]) {
      const { add, tick, pager, stacks, clock } = await createBench(
        `  - { name: leaked, when: "entry.entered && entry.to == 'LEAKED'", resolve: "entry.entered && entry.from == 'LEAKED'", to: [pager], title: x${dedupe} }\n`,
      );
      stacks.set("shop-pr-7", { ...aStack(), id: "shop-pr-7", metadata: { team: "a-team" } });
      add({ from: "LIVE", to: "LEAKED" });
      await tick();
      expect(pager.open()).toBe(1);
      await clock.advance(MINUTE);
      stacks.clear();
      add({ event: "REMOVE_STACK", from: "LEAKED", to: "LEAKED", outcome: "removed" });

      await tick();

      expect(pager.open()).toBe(0);
    }
  });
});

describe("the removal of a stack", () => {
  it("ends each of its alerts, under whatever key it was opened [icinga-notifications#429]", async () => {
    const { add, tick, pager, clock } = await createBench(
      `  - { name: failed, when: "entry.event == 'TASK_ERROR'", resolve: "entry.event == 'NEXT'", to: [pager], dedupe: { key: "\${entry.stackId}/\${entry.task}", for: 1h } }\n`,
    );
    for (const task of ["build", "check", "build"]) add({ event: "TASK_ERROR", task });
    await tick();
    expect(pager.open()).toBe(2);
    await clock.advance(MINUTE);
    add({ event: "REMOVE_STACK", from: "LEAKED", to: "LEAKED", outcome: "removed" });

    await tick();

    expect(pager.open()).toBe(0);
  });
});

it("a digest that is due is sent while the history cannot be read", async () => {
  const rule = `  - { name: leaked, when: "entry.to == 'LEAKED'", to: [team], title: x, digest: { every: 1h } }\n`;
  const { add, tick, texts, clock, history } = await createBench(rule);
  add({ from: "LIVE", to: "LEAKED" });
  await tick();
  expect(texts()).toEqual([]);
  history.isReadable = false;
  await clock.advance(2 * HOUR);

  await expect(tick()).rejects.toThrow("cannot be read");

  expect(texts()).toHaveLength(1);
});

describe("the pace of a channel", () => {
  // gastown#4634, killbill-commons#1: behind a full queue nothing is sent any more.
  it("is its own: 10,100 stacks that fail at once while the chat is down delay no page, and all are told in order", async () => {
    const { add, tick, down, pager, texts, posts, clock } = await createBench(TEAM + DOWN);
    down.team = true;
    for (let index = 0; index < 10_100; index++) add({ stackId: `s${index}` });
    add({ to: "DOWN" });
    await tick();
    expect([texts(), pager.open()]).toEqual([["s0"], 1]);
    down.team = false;
    posts.length = 0;
    await clock.advance(HOUR);

    await tick();

    expect(texts()).toEqual(Array.from({ length: 10_100 }, (_, index) => `s${index}`));
  }, 120_000);

  // owncast#1504, OpenWA PR 511: a channel that answers slowly.
  it("is its own: a channel that takes 9 seconds for each delays no page, not even a later one", async () => {
    const { add, tick, answers, pager, clock, posts } = await createBench(TEAM + DOWN);
    const pagedAt: number[] = [];
    let sent = 0;
    answers.next = async (post) => {
      if (post.url.endsWith("/v2/enqueue")) {
        pagedAt.push(clock.now());
        return pager.take(post);
      }
      await clock.advance(9_000);
      sent += 1;
      if (sent === 3) add({ to: "DOWN", stackId: "later" });
      return answer(200);
    };
    const begin = clock.now();
    for (let index = 0; index < 600; index++) add({ stackId: `s${index}` });
    add({ to: "DOWN" });

    await tick(begin + MINUTE);

    expect(pagedAt.map((at) => (at - begin <= 9_000 ? "at once" : (at - begin) / 1_000))).toEqual(["at once", 30]);
    expect(posts.length).toBeLessThan(12);
  });

  it("asks to be called when something is new, and otherwise when a pause or a digest ends", async () => {
    const { add, tick, dueAt, down, clock } = await createBench(
      `${TEAM}  - { name: news, when: "entry.to == 'NEWS'", to: [pager], digest: { every: 1s } }\n`,
    );
    const now = clock.now();
    expect(await dueAt()).toBe(now + 5_000);
    down.team = true;
    add();
    expect(await dueAt()).toBe(now);
    await tick();
    expect(await dueAt()).toBe(now + 2_500);
    add({ to: "NEWS" });
    expect(await dueAt()).toBe(now);
    await tick();
    expect(await dueAt()).toBe(now + 1_000);
  });

  it("throws the failure of one channel after the others are done", async () => {
    const { add, tick, answers, pager, records } = await createBench(TEAM + DOWN);
    answers.next = async (post) => {
      if (post.url.endsWith("/v2/enqueue")) return pager.take(post);
      const { items } = await records.list("followers/", { limit: 10, now: 0 });
      for (const { key, version } of items)
        await records.put({ key, value: { position: 0 }, expected: version, now: 0 });
      return answer(200);
    };
    add({ to: "DOWN" });
    add();

    await expect(tick()).rejects.toThrow("Two processes follow");

    expect(pager.open()).toBe(1);
  });
});

describe("a channel that is more than a day behind", () => {
  it("tells what is still open, ends what it has told, and counts the rest in one line", async () => {
    const { add, tick, pager, down, clock, posts } = await createBench(
      `${PAIR}  - { name: failed, when: "entry.event == 'TASK_ERROR'", to: [pager] }\n`,
    );
    add({ stackId: "told", from: "LIVE", to: "LEAKED" });
    await tick();
    down.pager = true;
    add({ stackId: "told", from: "LEAKED", to: "LIVE" });
    add({ stackId: "open", from: "LIVE", to: "LEAKED" });
    for (let hour = 0; hour < 30; hour++) {
      await tick();
      await clock.advance(HOUR);
      const stackId = `s${hour}`;
      add({ stackId, from: "LIVE", to: "LEAKED" });
      add({ stackId, from: "LEAKED", to: "LIVE" });
      add({ stackId, event: "TASK_ERROR", from: "LIVE", to: "LIVE" });
    }
    down.pager = false;
    posts.length = 0;
    pager.actions.length = 0;
    await clock.advance(2 * HOUR);

    await tick();
    await tick();

    // The end, what is still open, three that came after the last try, and the line with counts.
    expect([pager.actions, pager.open()]).toEqual([
      ["resolve", "trigger", "trigger", "resolve", "trigger", "trigger"],
      3,
    ]);
    const { summary, custom_details } = JSON.parse(posts.at(-1)?.body ?? "").payload;
    expect(summary).toBe("87 notifications were left out: this channel was more than a day behind");
    expect(custom_details.text).toMatch(/leaked: 58\nfailed: 29$/);
    add({ stackId: "next", event: "TASK_ERROR", from: "LIVE", to: "LIVE" });
    await tick();
    expect(pager.actions).toHaveLength(7);
  });

  it("tells other channels that it takes nothing", async () => {
    const failed = `  - { name: failed, when: "notice.kind == 'channel-failed'", to: [pager] }\n`;
    const { add, tick, pager, down, clock } = await createBench(TEAM + failed);
    down.team = true;
    add();
    for (let hour = 0; hour < 60; hour++) {
      await tick();
      if (hour < 24) expect(pager.actions).toEqual([]);
      await clock.advance(HOUR);
    }
    expect(pager.actions).toEqual(["trigger"]);
  });
});

describe("a line whose clock was ahead", () => {
  // argocd-notifications#288
  it("has happened now: it is sent at once, and silences nothing after it", async () => {
    const { add, tick, clock, pager } = await createBench(
      `  - { name: leaked, when: "entry.to == 'LEAKED'", to: [pager], dedupe: { key: "\${stack.id}", for: 1h } }\n`,
    );
    add({ at: clock.now() + 30 * 24 * HOUR });
    await tick();
    expect(pager.actions).toHaveLength(1);
    for (let day = 0; day < 10; day++) {
      await clock.advance(24 * HOUR);
      add();
      await tick();
    }
    expect(pager.actions).toHaveLength(11);
  });
});

describe("dedupe with resolve", () => {
  const rule = `  - { name: down, when: "entry.to == 'DOWN'", resolve: "entry.from == 'DOWN'", to: [pager], dedupe: { key: "\${stack.id}", for: 1h } }\n`;

  // argocd-notifications#60, argo-cd#20461
  it("pages once within its time for a stack that flaps, and again if it is down at the end of this time", async () => {
    const { add, tick, clock, pager } = await createBench(rule);
    for (let flap = 0; flap < 10; flap++) {
      add({ to: "DOWN", from: "UP" });
      await tick();
      await clock.advance(2 * MINUTE);
      add({ to: "UP", from: "DOWN" });
      await tick();
      await clock.advance(MINUTE);
    }
    expect(pager.actions).toEqual(["trigger", "resolve"]);
    add({ to: "DOWN", from: "UP" });
    await tick();
    await clock.advance(HOUR);

    await tick();

    expect([pager.actions, pager.open()]).toEqual([["trigger", "resolve", "trigger"], 1]);
    add({ to: "UP", from: "DOWN" });
    await tick();
    expect(pager.open()).toBe(0);
  });
});
