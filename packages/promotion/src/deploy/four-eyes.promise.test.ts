import type { Sender } from "@stackyard/core/access";
import { describe, expect, it } from "vitest";
import { aReleaseYard, type ReleaseYard } from "../testing/a-release-yard.ts";

const person = (id: string, ...groups: readonly string[]): Sender => ({ kind: "person", id, name: id, groups });
const [oscar, rita, rob] = [person("oscar"), person("rita", "managers"), person("rob", "managers")] as const;
const token = (owner?: string): Sender => ({
  kind: "token",
  id: "t1",
  name: "ci",
  groups: [],
  ...(owner && { owner }),
});

/** An environment that asks before it builds what a release sends. */
const GATED = `
version: 2
events: { OPENED: {}, RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { RELEASED: GATE } }
  GATE: { tasks: [sign, build], on: { NEXT: LIVE, FAILED: LIVE } }
tasks:
  sign: { executor: approval, config: { from: [managers] } }
  build: { executor: work, needs: [sign] }
`;

/** A release that is prepared, and sends when someone says so. It has no approval. */
const RELEASE = `
version: 2
events: { OPENED: {}, PREPARE: { metadata: [api] }, GO: {}, STOP: {}, AGAIN: {} }
metadata: { api: { type: string } }
states:
  INIT: { on: { OPENED: READY, PREPARE: READY } }
  READY: { on: { PREPARE: no-op, GO: SEND } }
  SEND: { tasks: [send], on: { NEXT: DONE, STOP: STOPPED } }
  STOPPED: { leaving: cancel, on: { AGAIN: SEND } }
  DONE: { on: { AGAIN: SEND, PREPARE: READY } }
tasks:
  send: { executor: deploy, config: { stacks: t0, event: RELEASED, metadata: { api: "\${metadata.api}" }, until: [LIVE], again: true } }
`;

async function aBench(release = RELEASE): Promise<ReleaseYard> {
  const bench = aReleaseYard({ release, tenant: GATED });
  await bench.addTenants(1);
  return bench;
}

const id = "shop-1";
const prepare = (bench: ReleaseYard, sender: Sender, api = "evil") =>
  bench.send(id, "PREPARE", { machine: "shop", metadata: { api } }, sender);
const go = (bench: ReleaseYard, sender: Sender, event = "GO") => bench.send(id, event, {}, sender);

/** What becomes of an approval at the environment. */
async function approve(bench: ReleaseYard, sender: Sender): Promise<string | undefined> {
  await bench.yard.advance(20_000);
  expect((await bench.yard.findStack("t0"))?.approvals?.["sign"]).toBeDefined();
  await bench.send("t0", "APPROVE_TASK", { task: { name: "sign" } }, sender);
  const line = (await bench.yard.listHistory("t0")).findLast(({ event }) => event === "APPROVE_TASK");
  return line?.code ?? line?.outcome;
}

describe("who has requested a release does not approve it at its target", () => {
  it("is the one who has brought its values, although someone else has started it", async () => {
    const bench = await aBench();
    await prepare(bench, rita);
    await go(bench, oscar);

    expect(await approve(bench, rita)).toBe("NOT_ALLOWED");
    expect(await approve(bench, rob)).toBe("applied");
  });

  it("is the one who has opened it, although others have brought all of its values", async () => {
    const bench = await aBench();
    await bench.send(id, "OPENED", { machine: "shop" }, rita);
    await prepare(bench, oscar);
    await go(bench, oscar);

    expect(await approve(bench, rita)).toBe("NOT_ALLOWED");
    expect(await approve(bench, rob)).toBe("applied");
  });

  it("is the person behind a token that has brought a value, and behind one that no one owns it may be anyone", async () => {
    const owned = await aBench();
    await prepare(owned, token("rita"));
    await go(owned, oscar);
    const unowned = await aBench();
    await prepare(unowned, token());
    await go(unowned, oscar);

    expect([await approve(owned, rita), await approve(owned, rob)]).toEqual(["NOT_ALLOWED", "applied"]);
    expect(await approve(unowned, rob)).toBe("NOT_ALLOWED");
  });

  it("is not forgotten when others stop and resume it", async () => {
    const bench = await aBench();
    await prepare(bench, rita);
    await go(bench, oscar);
    await bench.yard.advance(5_000);
    await go(bench, oscar, "STOP");
    await go(bench, oscar, "AGAIN");

    expect(await approve(bench, rita)).toBe("NOT_ALLOWED");
  });

  it("is also the one who asks again for what is there already", async () => {
    const bench = await aBench();
    await prepare(bench, oscar);
    await go(bench, oscar);
    expect(await approve(bench, rob)).toBe("applied");
    await bench.yard.advance(60_000);
    await bench.send("shop-2", "PREPARE", { machine: "shop", metadata: { api: "evil" } }, rita);
    await bench.send("shop-2", "GO", {}, oscar);

    expect(await approve(bench, rita)).toBe("NOT_ALLOWED");
  });

  it("is not the one who has brought a value that another one has replaced since", async () => {
    const bench = await aBench();
    await prepare(bench, oscar, "first");
    await prepare(bench, rita, "evil");
    await prepare(bench, oscar, "good");
    await go(bench, oscar);

    expect(await approve(bench, rita)).toBe("applied");
  });

  it("is the one who has moved it to a revision with a value of its own, until someone else moves it on", async () => {
    const toRevision = (api: string) => RELEASE.replace(`\${metadata.api}`, api);
    const bench = await aBench();
    await prepare(bench, oscar, "good");
    bench.revise("shop", toRevision("evil"));
    await bench.send(id, "UPGRADE_STACK", {}, rita);
    await go(bench, oscar);

    expect(await approve(bench, rita)).toBe("NOT_ALLOWED");
    expect(await approve(bench, rob)).toBe("applied");
    await bench.yard.advance(60_000);
    bench.revise("shop", toRevision("better"));
    await bench.send(id, "UPGRADE_STACK", {}, oscar);
    await go(bench, oscar, "AGAIN");
    expect(await approve(bench, rita)).toBe("applied");
  });

  it("is not the one who has moved the target itself to another revision, before anything was asked", async () => {
    const bench = await aBench();
    bench.revise("tenant", GATED.replace("events: {", "events: { PUSHED: {},"));
    await bench.send("t0", "UPGRADE_STACK", {}, rita);
    await prepare(bench, oscar);
    await go(bench, oscar);

    expect(await approve(bench, rita)).toBe("applied");
  });

  it("is the one who has requested the release that has brought its values", async () => {
    const train = RELEASE.replace(
      "stacks: t0, event: RELEASED",
      "stacks: shop-1, create: shop, event: PREPARE",
    ).replace("until: [LIVE]", "until: [READY]");
    const bench = await aBench();
    bench.revise("train", train);
    await bench.send("train-1", "PREPARE", { machine: "train", metadata: { api: "evil" } }, rita);
    await bench.send("train-1", "GO", {}, oscar);
    await bench.yard.advance(20_000);
    await go(bench, oscar);

    expect(await approve(bench, rita)).toBe("NOT_ALLOWED");
    expect(await approve(bench, rob)).toBe("applied");
  });
});
