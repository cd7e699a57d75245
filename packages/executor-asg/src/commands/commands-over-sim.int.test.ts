import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aReleaseFile, type SimulatedYard, startSimulatedYard } from "../testing/command-world.ts";

const SHOP = { project: "org/shop", config: "production", account: "111122223333", region: "eu-west-1" };

let world: SimulatedYard;
beforeEach(async () => {
  world = await startSimulatedYard();
  // Without load balancers nothing drains.
  const autoscaling = { min_size: 2, max_size: 10, spread: 0.5 };
  const web = { instance_type: "t3.micro", security_groups: ["web"], autoscaling };
  world.commands.write("shop.json", aReleaseFile({ services: { web } }));
  world.commands.write("shop.json.userdata", "#!/bin/sh\n");
});
afterEach(() => world.stop());

const run = (name: string, args: object) => world.run(name, args);
const groups = () =>
  world.yard.sim.autoScaling
    .listGroups({ account: SHOP.account, region: SHOP.region })
    .filter(({ isDeleting }) => !isDeleting)
    .map(({ name }) => name);

describe("the commands over the executor", () => {
  it("deploy, deploy again and roll back", async () => {
    const first = await run("deploy", { file: "shop.json" });
    const [before] = groups();
    const second = await run("deploy", { file: "shop.json" });
    const [after] = groups();
    const back = await run("rollback", SHOP);

    expect([first, second, back].map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(first.text).toMatch(/^Release release-\S+ succeeded\.\n/);
    expect(first.text).toMatch(/^web +3 +2 +3 +0 +org\/shop-production-\S+-web$/m);
    expect(first.text).toMatch(/^Path: Validate, Lock, .*, CleanUpSuccess, Success$/m);
    expect(first.blocks.at(-1)).toContain("web  \u001b[32m●●\u001b[39m|\u001b[32m●\u001b[39m  3 of 2 healthy");
    expect(first.progress).toContain("WaitForDeploy  web 0 of 2 healthy, 3 missing");
    expect([back.text.split("\n")[0], after === before]).toEqual([
      "The rollback of org/shop production succeeded.",
      false,
    ]);
    expect(groups()).not.toEqual([after]);
  });

  it("halt a release, and leave nothing of it", async () => {
    const { text: release } = await run("deploy", { file: "shop.json", detach: true });
    await world.yard.advance(20_000);

    const halted = await run("halt", { what: "shop.json", reason: "wrong image" });

    expect([halted.exitCode, groups()]).toEqual([0, []]);
    expect(halted.text).toMatch(/^Release release-\S+ was halted; everything it created was removed\.\n/);
    expect(halted.text).toContain("CleanUpFailure, ReleaseLockFailure, FailureClean");
    expect((await run("show", { release })).text).toBe(halted.text);
  });

  it("keep people out, and say who does", async () => {
    const locked = await run("lock", { ...SHOP, reason: "sale" });
    const again = await run("lock", { ...SHOP, reason: "party" });
    const refused = await run("deploy", { file: "shop.json" });
    const unlocked = await run("unlock", SHOP);
    const fails = await run("fails", {});
    const repair = await run("repair", SHOP);

    expect([locked, again, refused, unlocked, repair].map(({ exitCode }) => exitCode)).toEqual([0, 1, 3, 0, 0]);
    expect(refused.text).toContain("LOCK_EXISTS");
    expect(fails.text).toMatch(/ Lock +FailureClean +LockExistsError: .* was locked by ann: sale/);
    expect([unlocked.text, repair.text]).toEqual(["Removed the lock of ann: sale", "Nothing is left behind."]);
  });
});
