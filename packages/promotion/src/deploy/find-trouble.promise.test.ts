import { findMoves } from "@stackyard/core/engine";
import { expect, it } from "vitest";
import { aReleaseYard, TO_TENANTS, toReleaseMachine } from "../testing/a-release-yard.ts";
import type { DeployRow } from "./deploy-row.ts";
import { findTrouble } from "./find-trouble.ts";

const MINUTE = 60_000;

const release = toReleaseMachine({
  tasks: {
    tenants: { executor: "deploy", config: TO_TENANTS },
    soak: { executor: "gate", needs: ["tenants"], config: { soak: { of: "tenants", for: "10m" } } },
  },
  go: ["tenants", "soak"],
});

/** Three tenants that have soaked, as the approval of the next environment finds them. */
async function aSoakedRelease() {
  const bench = aReleaseYard({ release });
  await bench.addTenants(3);
  await bench.start("1.42.0");
  await bench.finish("1.42.0");
  const { store, clock } = bench.yard;
  const look = async (keep = async (rows: readonly DeployRow[]) => rows) => {
    const [state, stack] = [await bench.stateOf("1.42.0"), await bench.yard.findStack("shop-1.42.0")];
    if (state === undefined || stack === undefined) throw new Error("There is no release.");
    const { counts, soaksUntil } = await findTrouble({
      records: store.records,
      clock,
      load: (ids) => store.load(ids),
      findMoves: (target, since) => findMoves(store, target, since),
      keep,
      state,
      release: stack,
      soaks: ["10m"],
    });
    return [Object.fromEntries(counts), soaksUntil === undefined ? undefined : (soaksUntil - clock.now()) / MINUTE];
  };
  return { ...bench, look };
}

it("finds none while all is as it had arrived, also in a check that ends well (kargo#2847)", async () => {
  const { look, send } = await aSoakedRelease();

  expect(await look()).toEqual([{}, undefined]);
  await send("t0", "CHECK");
  expect(await look()).toEqual([{}, undefined]);
});

it("finds what is broken, elsewhere, changed or newer, of those that the reader may see (kargo#5144, gocd#672)", async () => {
  const { look, send, broken, yard, start } = await aSoakedRelease();
  broken.add("t0");
  await send("t0", "RELEASED", { metadata: { api: "1.42.0" } });
  await send("t1", "PAUSE");
  await send("t2", "PUSHED", { metadata: { api: "by hand" } });
  await yard.advance(MINUTE);

  expect(await look()).toEqual([{ STACK_BROKEN: 1, STACK_ELSEWHERE: 1, STACK_MOVED: 1 }, undefined]);
  expect(await look(async (rows) => rows.filter(({ stack }) => stack !== "t0"))).toEqual([
    { STACK_ELSEWHERE: 1, STACK_MOVED: 1 },
    undefined,
  ]);
  broken.clear();
  await start("1.43.0");
  await yard.advance(MINUTE);
  expect(await look()).toEqual([{ NEWER_RELEASE: 3 }, undefined]);
});

it("finds a soak that has begun again", async () => {
  const { look, send, broken, yard } = await aSoakedRelease();
  broken.add("t0");
  await send("t0", "RELEASED", { metadata: { api: "1.42.0" } });
  await yard.advance(MINUTE);
  broken.clear();
  await send("t0", "RELEASED", { metadata: { api: "1.42.0" } });
  await yard.advance(MINUTE);

  const [counts, minutes] = await look();
  expect(counts).toEqual({});
  expect(minutes).toBeGreaterThan(8);
});
