import { describe, expect, it } from "vitest";
import { PLACE } from "../testing/a-cell.ts";
import { createFleet, OTHER } from "../testing/a-fleet.ts";
import { runExecution } from "../testing/run-execution.ts";

type Fleet = ReturnType<typeof createFleet>;
const BOTH = [PLACE, OTHER];

/** Works on what was asked for beside the first so many. */
async function run(fleet: Fleet, from = 0): Promise<void> {
  for (const each of fleet.executions.slice(from)) await runExecution(fleet, each, () => fleet.answer(BOTH));
}

/** Two consumers have their sets. */
async function createFilled(): Promise<Fleet> {
  const fleet = createFleet();
  for (const place of BOTH) await fleet.register(place);
  await fleet.look();
  await run(fleet);
  return fleet;
}

describe("an execution that failed before it noted anything", () => {
  it("is followed by another one each hour, until one begins", async () => {
    const fleet = createFleet();
    await fleet.register(PLACE);

    await fleet.lookFor(3);
    expect(fleet.executions).toHaveLength(4);
    await run(fleet, 3);
    await fleet.lookFor(3);

    expect(new Set(fleet.executions.map(({ name }) => name)).size).toBe(4);
  });

  it("is followed by another one where it should have gone on with a set that has died", async () => {
    const fleet = createFleet();
    await fleet.register(PLACE);
    await fleet.look();
    const [{ name, input } = { name: "", input: {} }] = fleet.executions;
    await fleet.handle({ op: "initial-set", execution: name, input });

    await fleet.lookFor(3);

    expect(fleet.executions.length).toBeGreaterThan(2);
  });
});

describe("a replay of one artifact", () => {
  it("does not stand for the set of a consumer that has had none", async () => {
    const fleet = createFleet();
    await fleet.register(OTHER);
    for (const name of ["first", "second"]) await fleet.created(fleet.write("1", ["a"], name));
    await fleet.answer([OTHER]);
    await fleet.register(PLACE);
    await fleet.handle({ op: "replay", ...PLACE, artifact: "first" });
    await run(fleet);

    await fleet.look();
    await run(fleet, 1);

    expect(await fleet.coverage("second")).toMatchObject([{ covered: true, cells: [PLACE, OTHER] }]);
  });

  it("does not make the set be sent again to one that has had it", async () => {
    const fleet = await createFilled();
    await fleet.created(fleet.write("1"));
    await fleet.handle({ op: "replay", ...PLACE, artifact: "app" });
    await run(fleet, 2);

    await fleet.lookFor(3);

    expect(fleet.executions).toHaveLength(3);
  });
});

describe("an account that was not trusted for some time", () => {
  it("gets what was published meanwhile", async () => {
    const fleet = await createFilled();
    fleet.restart({ trustedAccounts: [OTHER.account] });
    await fleet.look();
    await fleet.created(fleet.write("1"));
    await fleet.answer(BOTH);
    await fleet.lookFor(1);
    expect(await fleet.coverage()).toMatchObject([{ covered: true, cells: [OTHER] }]);

    fleet.restart();
    await fleet.look();
    await run(fleet, 2);

    expect(await fleet.coverage()).toMatchObject([{ covered: true, cells: [PLACE, OTHER] }]);
    await fleet.lookFor(2);
    expect(fleet.executions).toHaveLength(3);
  });

  it("is sent nothing of its own while it is not", async () => {
    const fleet = await createFilled();
    await fleet.created(fleet.write("1"));
    fleet.restart({ trustedAccounts: [OTHER.account] });
    await fleet.lookFor(6);

    expect(fleet.sent().filter(({ target }) => target.account === PLACE.account && "ArtifactKey" in target)).toEqual(
      [],
    );
    expect(fleet.executions).toHaveLength(2);
  });
});
