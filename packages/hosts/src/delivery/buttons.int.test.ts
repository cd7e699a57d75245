import type { SimCheck } from "@stackyard/host-sim";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";

const DOCUMENT = `host: github
when: "hook.repository.fullName == 'acme/shop'"
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull: { open: { send: OPENED }, head: { send: PUSHED, metadata: { sha: "\${hook.pull.head}" } }, closed: { send: CLOSED } }
rules: { extend: { on: command.extend, send: SEED }, down: { on: command.down, send: CLOSED } }
`;

type Bench = Awaited<ReturnType<typeof createReportBench>>;
const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

async function createBench() {
  const bench = await createReportBench(DOCUMENT);
  benches.push(bench);
  await bench.report();
  const { github, reports, store, pass } = bench;
  return {
    ...bench,
    /** Opens a pull request of a commit, and returns its check. */
    async open(head: number, fork = false): Promise<SimCheck> {
      const number = await github.openPull(SHOP, { head: toCommit(head), fork });
      await pass(20);
      const check = reports.checks.findLast(({ set }) => set["name"] === `Preview shop-pr-${number}`);
      if (check === undefined && !fork) throw new Error(`#${number} has no check.`);
      return check ?? { id: 0, repository: SHOP, set: {} };
    },
    /** The events that were applied to the stack of a pull request. */
    async listEvents(number = 1): Promise<readonly string[]> {
      const { items } = await store.queries.listHistory({ stackId: `shop-pr-${number}` }, { limit: 100 });
      return items
        .filter(({ outcome }) => outcome === "applied" || outcome === "removed")
        .map(({ event }) => String(event));
    },
    stateOf: async (number: number) => (await store.load([`shop-pr-${number}`]))[0]?.stack?.state,
  };
}

describe("a button of a check", () => {
  it("that is pressed twice acts twice, and a press that is delivered twice acts once [dcoapp/app#305]", async () => {
    const { github, open, pass, listEvents } = await createBench();
    const check = await open(1);

    await github.pressButton(SHOP, check, "extend 1d");
    await pass(20);
    await github.pressButton(SHOP, check, "extend 1d");
    await pass(20);
    expect(await listEvents()).toEqual(["OPENED", "SEED", "SEED"]);

    github.settings.deliveryFault = "double";
    await github.pressButton(SHOP, check, "extend 1d");
    await pass(5);

    expect(await listEvents()).toEqual(["OPENED", "SEED", "SEED", "SEED"]);
  });

  it("acts again after a person was given the permission for it", async () => {
    const { github, open, pass, clock, listEvents } = await createBench();
    const check = await open(1);
    github.settings.permission = "read";
    await github.pressButton(SHOP, check, "extend 1d");
    await pass(5);
    github.settings.permission = "write";
    await clock.advance(61_000);

    await github.pressButton(SHOP, check, "extend 1d");
    await pass(5);

    expect(await listEvents()).toEqual(["OPENED", "SEED"]);
  });

  it("acts on the pull request of its check, where two have one commit [dcoapp/app#307]", async () => {
    const { github, open, pass, stateOf } = await createBench();
    await open(1);
    const second = await open(1);

    await github.pressButton(SHOP, second, "down");
    await pass(5);

    expect([await stateOf(1), await stateOf(2)]).toEqual(["LIVE", undefined]);
  });
});

describe("a press that was recorded", () => {
  /** Records the deliveries of buttons; `replay` sends the last one again, signed as it is, under another id. */
  function record({ github }: Pick<Bench, "github">) {
    const { receiver } = github.settings;
    if (receiver === undefined) throw new Error("Nothing receives deliveries.");
    let last: Parameters<typeof receiver>[0] | undefined;
    github.settings.receiver = async (delivery) => {
      if (delivery.headers["x-github-event"]?.startsWith("check_")) last = delivery;
      return receiver(delivery);
    };
    let count = 0;
    return async () => {
      if (last === undefined) throw new Error("Nothing was pressed.");
      count += 1;
      const id = `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`;
      return receiver({ ...last, headers: { ...last.headers, "x-github-delivery": id } });
    };
  }

  it.each(["at once", "when its check was written again", "two weeks later, when its delivery is forgotten"])(
    "does nothing when it is sent again under another id: %s [grafana#125550]",
    async (when) => {
      const bench = await createBench();
      const { github, open, pass, clock, listEvents } = bench;
      const check = await open(1);
      const replay = record(bench);
      await github.pressButton(SHOP, check, "extend 1d");
      if (when !== "at once") await pass(20);
      if (when.startsWith("two weeks")) await clock.advance(15 * 86_400_000);

      await replay();
      await pass(5);
      expect(await replay()).toBe(200);
      await pass(5);

      expect(await listEvents()).toEqual(["OPENED", "SEED"]);
    },
  );

  it("does nothing of a Re-run of a check, and of all", async () => {
    const bench = await createBench();
    const { github, open, pass, listEvents } = bench;
    const check = await open(1);
    const replay = record(bench);
    await github.rerunCheck(SHOP, check);
    await pass(20);
    await replay();
    await pass(5);
    await github.rerunChecks(SHOP, toCommit(1));
    await pass(20);
    await replay();
    await pass(5);

    expect(await listEvents()).toEqual(["OPENED", "PUSHED", "PUSHED"]);
  });
});

describe("GitHub's own buttons", () => {
  it("send what a push would: Re-run of a check, each time that it is pressed", async () => {
    const { github, open, pass, listEvents } = await createBench();
    const check = await open(1);

    await github.rerunCheck(SHOP, check);
    await pass(20);
    await github.rerunCheck(SHOP, check);
    await pass(5);

    expect(await listEvents()).toEqual(["OPENED", "PUSHED", "PUSHED"]);
  });

  it("send what a push would: Re-run all checks, to every pull request of the commit", async () => {
    const { github, open, pass, listEvents } = await createBench();
    await open(1);
    await open(1);
    await open(2);

    github.settings.deliveryFault = "double";
    await github.rerunChecks(SHOP, toCommit(1));
    await pass(5);

    const events = [await listEvents(1), await listEvents(2), await listEvents(3)];
    expect(events).toEqual([["OPENED", "PUSHED"], ["OPENED", "PUSHED"], ["OPENED"]]);
  });

  it("know pull requests of forks, which GitHub does not name", async () => {
    const { github, open, pass, listEvents } = await createBench();
    await open(1, true);
    await github.comment(SHOP, 1, `/preview trust ${toCommit(1)}`);
    await pass(20);
    expect(await listEvents()).toEqual(["OPENED"]);

    await github.rerunChecks(SHOP, toCommit(1));
    await pass(5);

    expect(await listEvents()).toEqual(["OPENED", "PUSHED"]);
  });

  it("run nothing of a head that is not trusted", async () => {
    const { github, open, pass, published, reports } = await createBench();
    await open(1, true);
    const [check] = reports.checks;

    if (check !== undefined) await github.rerunCheck(SHOP, check);
    await github.rerunChecks(SHOP, toCommit(1));
    await pass(5);

    expect(check?.set["name"]).toBe("Preview");
    expect(published).toEqual([]);
  });

  it("bring an ended preview back, as a push does", async () => {
    const { github, open, pass, listEvents } = await createBench();
    const check = await open(1);
    await github.pressButton(SHOP, check, "down");
    await pass(5);

    await github.rerunCheck(SHOP, check);
    await pass(5);

    expect(await listEvents()).toEqual(["OPENED", "CLOSED", "OPENED"]);
  });
});
