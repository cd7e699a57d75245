import { describe, expect, it } from "vitest";
import { createTrial, TRIAL_SOURCE } from "../testing/trial.ts";

const opened = { id: "e1", stackId: "pr-1", event: "OPENED", machine: "app" };
const WITH_UNDERSCORE = TRIAL_SOURCE.replace("PUSHED, ", "PUSHED, TEST_DONE, ").replace(
  "LIVE:\n    on: {",
  "LIVE:\n    on: {TEST_DONE: [{action: advance, state: BUILD}], ",
);

describe("the machine of an event", () => {
  it("is asked for past the cache before an event with an underscore is called undeclared", async () => {
    const { yard, locator } = createTrial();
    await yard.publish(opened);
    await yard.settle();

    await yard.publish({ stackId: "pr-1", event: "TEST_DONE" });
    await yard.settle();

    expect(locator.asked).toContain("app fresh");
    expect(WITH_UNDERSCORE).toContain("TEST_DONE: [");
  });

  it("that nobody knows is told with the known name that is near", async () => {
    const { yard } = createTrial();

    await yard.publish({ ...opened, machine: "apq" });
    await yard.publish({ ...opened, id: "e2", stackId: "pr-2", machine: "else" });
    await yard.settle();

    const reasons = [...(await yard.listHistory("pr-1")), ...(await yard.listHistory("pr-2"))].map(
      ({ reason }) => reason,
    );
    expect(reasons).toEqual(['There is no machine "apq". Did you mean "app"?', 'There is no machine "else".']);
  });

  it("that nobody knows is told although the names cannot be listed", async () => {
    const { yard, locator } = createTrial();
    locator.list = () => Promise.reject(new Error("no folder"));

    await yard.publish({ ...opened, machine: "apq" });
    await yard.settle();

    expect((await yard.listHistory("pr-1")).map(({ reason }) => reason)).toEqual(['There is no machine "apq".']);
  });

  it("is never another machine's revision under the name of the runs' machine", async () => {
    const { yard, listParked } = createTrial();
    await yard.publish(opened);
    await yard.settle();
    const hash = (await yard.findStack("pr-1"))?.machineHash;

    await yard.publish({ id: "e9", stackId: "pr-2", event: "OPENED", machine: "stackyard.run", revision: hash });
    await yard.settle();

    expect(await yard.findStack("pr-2")).toBeUndefined();
    expect(await listParked("pr-2")).toEqual(["e9 MACHINE_UNKNOWN tried 1"]);
  });

  it("parks an event that only a newer revision declares while the stack stays on its last one", async () => {
    const { yard, locator, listParked } = createTrial();
    await yard.publish(opened);
    await yard.settle();
    const newer = TRIAL_SOURCE.replaceAll("LIVE", "UP").replace("PUSHED, ", "PUSHED, TESTED, ");

    locator.write("app", newer);
    await yard.publish({ id: "e2", stackId: "pr-1", event: "TESTED" });
    await yard.settle();
    const whileNewer = await listParked("pr-1");
    locator.write("app", "version: 1");
    await yard.publish({ id: "e3", stackId: "pr-1", event: "ELSE" });
    await yard.settle();
    const whileInvalid = await listParked("pr-1");

    expect(whileNewer[0]).toMatch(/^e2 EVENT_NOT_HANDLED/);
    expect(whileInvalid.map((line) => line.replace(/ tried.*/, ""))).toEqual([
      "e2 EVENT_NOT_HANDLED",
      "e3 MACHINE_INVALID",
    ]);
  });
});
