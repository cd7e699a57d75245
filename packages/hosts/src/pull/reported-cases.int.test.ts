import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { createGitHubBench, SHOP } from "../testing/github-bench.ts";
import { createGitLabBench } from "../testing/gitlab-bench.ts";
import { createHostsBench, signedByGitHub, toPullBody } from "../testing/hosts-bench.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const toRules = (published: readonly string[]) => published.map((id) => id.split("/").at(-1));

async function createBench() {
  const bench = await createGitHubBench();
  stops.push(bench.stop);
  return { ...bench, ...bench.start() };
}

/** A yard that decides by deliveries alone. */
function createUnread(document: string) {
  const bench = createHostsBench({ document });
  stops.push(bench.remove);
  const { post, tick } = bench.start();
  let sent = 0;
  return {
    ...bench,
    post,
    tick,
    async send(action: string, over: object = {}) {
      await bench.clock.advance(2_000);
      const body = JSON.parse(toPullBody({ action, updatedAt: bench.clock.now() }));
      Object.assign(body.pull_request, over);
      const text = JSON.stringify(body);
      sent += 1;
      await post(text, signedByGitHub(text, `delivery-${sent}`));
      await tick();
    },
  };
}

const RULES = "{ open: { send: OPENED }, head: { send: PUSHED }, closed: { send: CLOSED } }";

describe("what users of other tools have reported", () => {
  // Reported: runatlantis/atlantis#2904
  it("a delivery is known by its signature, whatever the proxy in front adds as the user of its own password", async () => {
    const { post, published, tick } = createUnread(
      `host: github\nmachine: preview\nstack: "pr-\${hook.pull.number}"\npull: ${RULES}\n`,
    );
    const body = toPullBody({ action: "opened" });
    const headers = { ...signedByGitHub(body, "delivery-1"), authorization: "Basic cHJveHk6c2VjcmV0" };

    const answer = await post(body, headers);
    await tick();

    expect([answer.status, toRules(published)]).toEqual([202, ["pull.open"]]);
  });

  it("a force push back to an earlier commit is a push of its own [twbs/savage#16]", async () => {
    const { github, clock, tick, published } = await createBench();
    await github.openPull(SHOP, { head: toCommit(1) });
    await tick();
    for (const head of [2, 1, 2]) {
      await clock.advance(2_000);
      await github.push(SHOP, 1, toCommit(head));
      await tick();
    }

    expect(toRules(published)).toEqual(["pull.open", "pull.head", "pull.head", "pull.head"]);
    expect(new Set(published).size).toBe(4);
  });

  it("a draft that becomes ready opens, and one that becomes a draft again ends [semaphoreio/semaphore#518]", async () => {
    const { send, published, clock } = createUnread(
      `host: github\nmachine: preview\nwhen: "!hook.pull.draft"\nstack: "pr-\${hook.pull.number}"\npull: ${RULES}\n`,
    );
    await send("opened", { draft: true });
    await send("ready_for_review", { draft: false });
    await send("converted_to_draft", { draft: true });
    // No engine decides: a close that is taken back waits for two minutes.
    await clock.advance(180_000);
    await send("ready_for_review", { draft: false });

    expect(toRules(published)).toEqual(["pull.open", "pull.closed", "pull.open"]);
  });

  it.each(['fix/"quotes" and `ticks`', "größe/ü-🦊", "a'; rm -rf $HOME; echo '"])(
    "a branch named %s is data, and no other branch has its stack [coursetable#1417]",
    async (branch) => {
      const { send, published, store, clock } = createUnread(
        `host: github\nmachine: preview\nstack: "br-\${hook.pull.branch}"\npull: ${RULES}\n`,
      );
      const head = JSON.parse(toPullBody({})).pull_request.head;
      await send("opened", { head: { ...head, ref: branch } });
      await send("opened", { number: 8, head: { ...head, ref: branch.replace(/[^a-z]/g, "-") } });

      expect(toRules(published)).toEqual(["pull.open", "pull.open"]);
      const { items } = await store.records.list("previews/links/", { limit: 10, now: clock.now() });
      expect(new Set(items.map(({ value }) => Object(value).stackId))).toEqual(
        new Set([`br-${branch}`, `br-${branch.replace(/[^a-z]/g, "-")}`]),
      );
    },
  );

  it("a merge of GitLab, whose action is not close, ends the preview [coollabsio/coolify#2367]", async () => {
    const bench = await createGitLabBench();
    stops.push(bench.stop);
    const { tick } = bench.start();
    const iid = await bench.gitlab.openMerge();
    await tick();
    await bench.clock.advance(2_000);
    await bench.gitlab.close(iid, "merged");
    await tick();

    expect(toRules(bench.published)).toEqual(["pull.open", "pull.closed"]);
  });
});
