import { parseMachine, toGraph } from "@stackyard/core/machine";
import { expect, it } from "vitest";
import { page } from "vitest/browser";
import { render } from "vitest-browser-react";
import "../design/base.css";
import { GraphPanel } from "./graph-panel.tsx";

const file = new URL("../../../core/fixtures/graphs/platform.yaml", import.meta.url);
const source = await (await fetch(file)).text();
const { machine } = parseMachine(source, { name: "platform" });
const graph = machine === undefined ? { nodes: [], edges: [] } : toGraph(machine);

const boxesOf = (selector: string) =>
  [...document.querySelectorAll(selector)].map((element) => ({
    text: element.textContent ?? "",
    box: element.getBoundingClientRect(),
  }));

/** How far a text may hang over its room: letters have a soft edge. */
const EDGE_PX = 1;

it("has a machine of 28 states and 85 arrows", () => {
  expect(graph.nodes.filter(({ kind }) => kind === "state")).toHaveLength(28);
  expect(graph.edges).toHaveLength(85);
});

it("draws its main path at full size from its start, and no letter outside its room", async () => {
  await page.viewport(1_440, 900);
  await render(<GraphPanel graph={graph} label="Graph" />);
  await expect.poll(() => document.querySelectorAll(".graph-node").length).toBe(28);

  const svg = document.querySelector<SVGSVGElement>("svg.graph");
  const scale = (svg?.getBoundingClientRect().width ?? 0) / (svg?.viewBox.baseVal.width ?? 1);
  expect(scale).toBeGreaterThan(12 / 13 - 0.01);
  const area = document.querySelector(".graph-scroll")?.getBoundingClientRect() ?? new DOMRect();
  const seen = boxesOf(".graph-name").filter(({ box }) => box.right <= area.right && box.bottom <= area.bottom);
  expect(seen.map(({ text }) => text)).toEqual(expect.arrayContaining(["INIT", "PLAN", "REVIEW"]));
  const labels = [...document.querySelectorAll(".graph-label")].map((label) => ({
    text: label.textContent,
    box: label.getBoundingClientRect(),
    room: label.parentElement?.querySelector(".graph-ground")?.getBoundingClientRect() ?? new DOMRect(),
  }));
  expect(labels.length).toBeGreaterThan(30);
  expect(labels.filter(({ box, room }) => box.left < room.left - EDGE_PX || box.right > room.right + EDGE_PX)).toEqual(
    [],
  );
});

it("finds each of its states by its name", async () => {
  await page.viewport(1_024, 800);
  await render(<GraphPanel graph={graph} label="Graph" />);
  const search = page.getByRole("searchbox", { name: "Find a state" });

  for (const name of ["clean", "BUILD-JOBS"]) {
    await search.fill(name);
    await expect
      .poll(() => document.querySelector(".graph-node.selected .graph-name")?.textContent?.toLowerCase())
      .toContain(name.toLowerCase());
  }
});
