import { setTimeout } from "node:timers/promises";
import { expect, it } from "vitest";
import { createCallerLanes } from "./caller-lanes.ts";

it("runs a few reads of a caller at once, in order, and those of others in parallel", async () => {
  const lanes = createCallerLanes(2);
  const order: string[] = [];
  let most = 0;
  let running = 0;
  const read = (name: string) => async () => {
    running += 1;
    most = Math.max(most, running);
    await setTimeout(2);
    running -= 1;
    order.push(name);
    return name;
  };

  const all = ["a1", "a2", "a3", "a4", "a5", "a6"].map((name) => lanes.run("a", read(name)));
  all.push(lanes.run("b", read("b1")));

  expect(await Promise.all(all)).toEqual(["a1", "a2", "a3", "a4", "a5", "a6", "b1"]);
  expect(most).toBe(3);
  expect(order.indexOf("b1")).toBeLessThan(3);
  expect(order.filter((name) => name !== "b1")).toEqual(["a1", "a2", "a3", "a4", "a5", "a6"]);
});

it("continues after a read that fails", async () => {
  const lanes = createCallerLanes(1);
  const fail = async () => {
    throw new Error("away");
  };

  const results = await Promise.allSettled([lanes.run("a", fail), lanes.run("a", async () => 1)]);

  expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
});
