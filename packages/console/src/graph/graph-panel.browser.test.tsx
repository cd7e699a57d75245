import { expect, it } from "vitest";
import { page } from "vitest/browser";
import { render } from "vitest-browser-react";
import "../design/base.css";
import { GraphPanel } from "./graph-panel.tsx";

function createGraph(count: number) {
  const names = Array.from({ length: count }, (_, index) => `STATE-${index}`);
  return {
    nodes: names.map((id) => ({ kind: "state" as const, id, terminal: false, tasks: [], reachable: true })),
    edges: names.slice(1).map((to, index) => ({ from: `STATE-${index}`, to, event: "NEXT", passing: false })),
  };
}

it("shows all of a graph at first, also where the stack is in its last state", async () => {
  await page.viewport(360, 1_000);
  const graph = createGraph(8);
  await render(<GraphPanel graph={graph} label="Graph" states={{ "STATE-7": { current: true } }} />);

  await expect.poll(() => document.querySelector("svg.graph")).not.toBeNull();

  const area = document.querySelector(".graph-scroll");
  expect([area?.scrollTop, area?.scrollHeight]).toEqual([0, area?.clientHeight]);
});

it("draws a large graph in slices, until all of it is there", async () => {
  const graph = createGraph(400);
  await render(<GraphPanel graph={graph} label="Graph" />);
  const count = () => document.querySelectorAll("svg.graph .graph-node").length;
  const counts: number[] = [];
  const observer = new MutationObserver(() => counts.push(count()));
  observer.observe(document.body, { childList: true, subtree: true });

  await expect.poll(count).toBe(400);

  observer.disconnect();
  expect(Math.min(...counts)).toBeLessThan(400);
  expect(document.querySelectorAll("svg.graph .graph-edge, svg.graph .graph-label")).toHaveLength(2 * 399);
});
