import { expect, it } from "vitest";
import { page } from "vitest/browser";
import { render } from "vitest-browser-react";
import "../design/base.css";
import { GraphPanel } from "./graph-panel.tsx";

const names = Array.from({ length: 8 }, (_, index) => `STATE-${index}`);
const graph = {
  nodes: names.map((id) => ({ kind: "state" as const, id, terminal: false, tasks: [], reachable: true })),
  edges: names.slice(1).map((to, index) => ({ from: names[index] ?? "", to, event: "NEXT", passing: false })),
};

it("shows all of a graph at first, also where the stack is in its last state", async () => {
  await page.viewport(360, 1_000);
  await render(<GraphPanel graph={graph} label="Graph" states={{ "STATE-7": { current: true } }} />);

  await expect.poll(() => document.querySelector("svg.graph")).not.toBeNull();

  const area = document.querySelector(".graph-scroll");
  expect([area?.scrollTop, area?.scrollHeight]).toEqual([0, area?.clientHeight]);
});
