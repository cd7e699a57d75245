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

/** Returns the smallest text of the drawing on the screen, in pixels. */
function findSmallestText(): number {
  const svg = document.querySelector<SVGSVGElement>("svg.graph");
  const scale = svg === null ? 0 : svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  const sizes = [...(svg?.querySelectorAll("text, tspan") ?? [])].map((text) =>
    Number.parseFloat(getComputedStyle(text).fontSize),
  );
  return Math.min(...sizes) * scale;
}

it.each([
  ["on a phone", 360],
  ["in a wide pane", 1_440],
])("shows no text below 12 pixels %s, and begins at the present state", async (_, width) => {
  await page.viewport(width, 1_000);
  const graph = createGraph(30);
  await render(<GraphPanel graph={graph} label="Graph" states={{ "STATE-29": { current: true } }} />);

  await expect.poll(() => document.querySelector("svg.graph .graph-node.current")).not.toBeNull();

  expect(findSmallestText()).toBeGreaterThanOrEqual(12);
  const area = document.querySelector(".graph-scroll")?.getBoundingClientRect() ?? new DOMRect();
  const isInside = () => {
    const state = document.querySelector(".graph-node.current")?.getBoundingClientRect() ?? new DOMRect();
    return state.left >= area.left && state.right <= area.right && state.top >= area.top && state.bottom <= area.bottom;
  };
  await expect.poll(isInside).toBe(true);

  await page.getByRole("button", { name: "Show the whole graph" }).click();

  const scroller = document.querySelector(".graph-scroll");
  await expect.poll(() => (scroller?.scrollHeight ?? 0) - (scroller?.clientHeight ?? 0)).toBe(0);
  expect((scroller?.scrollWidth ?? 0) - (scroller?.clientWidth ?? 0)).toBe(0);
});

// https://github.com/The-Low-Code-Foundation/NodeGX/issues/33: of a graph that begins at no state, the last one was half outside.
it.each([
  [7, 880, "down"],
  [7, 1_440, "right"],
  [7, 390, "down"],
])("shows all of a machine of %i states, with its last one, %i pixels wide", async (count, width, direction) => {
  await page.viewport(width, 900);
  await render(<GraphPanel graph={createGraph(count)} label="Graph" />);
  const findNodes = () => [...document.querySelectorAll(".graph-node")].map((node) => node.getBoundingClientRect());
  await expect.poll(() => findNodes().length).toBe(count);
  const isInside = () => {
    const area = document.querySelector(".graph-scroll")?.getBoundingClientRect() ?? new DOMRect();
    return findNodes().every(
      ({ left, right, top, bottom }) =>
        left >= area.left && right <= area.right && top >= area.top && bottom <= area.bottom,
    );
  };

  await expect.poll(isInside).toBe(true);
  expect(findSmallestText()).toBeGreaterThanOrEqual(12);
  const turn = direction === "down" ? "Draw to the right" : "Draw downwards";
  await page.getByRole("button", { name: turn }).click();

  const other = direction === "down" ? "Draw downwards" : "Draw to the right";
  await expect.element(page.getByRole("button", { name: other })).toBeVisible();
});

it("draws a state's count and mark in the state, and an event of many states once until it is pressed", async () => {
  await page.viewport(1_440, 1_000);
  const graph = createGraph(14);
  const closed = graph.nodes
    .slice(0, 13)
    .map(({ id }) => ({ from: id, to: "STATE-13", event: "CLOSED", passing: false }));
  const states = { "STATE-1": { status: "degraded" as const, note: "3 stacks" } };
  await render(<GraphPanel graph={{ ...graph, edges: [...graph.edges, ...closed] }} label="Graph" states={states} />);
  const count = page.getByText("3 stacks");
  await expect.element(count).toBeInTheDocument();
  const boxOf = (selector: string) => document.querySelector(selector)?.getBoundingClientRect() ?? new DOMRect();

  const mark = [...document.querySelectorAll(".graph-node .tone-degraded :is(rect, path)")];
  const [frame, note] = [
    document.querySelectorAll(".graph-node > rect")[1]?.getBoundingClientRect() ?? new DOMRect(),
    boxOf(".graph-note"),
  ];
  expect([note.left > frame.left, note.right < frame.right, note.top > frame.top]).toEqual([true, true, true]);
  // The frame of the mark is drawn after its arrow, which it must not cover.
  expect(mark.map(({ tagName }) => tagName)).toContain("rect");
  expect(mark.map((shape) => getComputedStyle(shape).fill)).toEqual(mark.map(() => "none"));
  expect(document.querySelectorAll(".graph-edge")).toHaveLength(14);

  // The rows of the table have the same by keyboard.
  document.querySelector(".graph-stub")?.dispatchEvent(new MouseEvent("click", { bubbles: true }));

  await expect.poll(() => document.querySelectorAll(".graph-edge").length).toBe(25);
  await page.getByRole("button", { name: "Draw events that many states share once" }).click();
  await expect.poll(() => document.querySelectorAll(".graph-stub").length).toBe(1);
});

it("finds a state of a large machine, and scrolls to it", async () => {
  await page.viewport(800, 700);
  await render(<GraphPanel graph={createGraph(30)} label="Graph" states={{ "STATE-0": { current: true } }} />);
  const search = page.getByRole("searchbox", { name: "Find a state" });

  await search.fill("ate-27");

  await expect.poll(() => document.querySelector(".graph-node.selected text")?.textContent).toBe("STATE-27");
  const isInside = () => {
    const area = document.querySelector(".graph-scroll")?.getBoundingClientRect() ?? new DOMRect();
    const state = document.querySelector(".graph-node.selected")?.getBoundingClientRect() ?? new DOMRect();
    return state.left >= area.left && state.right <= area.right && state.top >= area.top && state.bottom <= area.bottom;
  };
  await expect.poll(isInside).toBe(true);
});

it("scrolls to the present state no further than it takes, so that no box is cut where all that is needed fits", async () => {
  await page.viewport(1_200, 900);
  const show = async (current: string) => {
    const screen = await render(
      <GraphPanel graph={createGraph(30)} label="Graph" states={{ [current]: { current: true } }} />,
    );
    await expect.poll(() => document.querySelector("svg.graph .graph-node.current")).not.toBeNull();
    const area = document.querySelector(".graph-scroll") ?? document.body;
    await expect.poll(() => area.scrollWidth - area.clientWidth).toBeGreaterThan(1_000);
    return { area, unmount: screen.unmount };
  };
  const findGap = (area: Element) => {
    const state = document.querySelector(".graph-node.current rect")?.getBoundingClientRect() ?? new DOMRect();
    return Math.round(area.getBoundingClientRect().right - state.right);
  };
  const early = await show("STATE-3");
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

  // It is in the right half, and would be scrolled to if it were to be in the middle.
  expect([findGap(early.area) < 600, early.area.scrollLeft]).toEqual([true, 0]);

  await early.unmount();
  const late = await show("STATE-15");

  await expect.poll(() => Math.abs(findGap(late.area) - 48)).toBeLessThanOrEqual(2);
  expect(late.area.scrollLeft).toBeGreaterThan(0);
});

it("shows the present state also when the pane becomes narrower after it was drawn, until a person scrolls", async () => {
  await page.viewport(1_440, 1_000);
  await render(<GraphPanel graph={createGraph(30)} label="Graph" states={{ "STATE-15": { current: true } }} />);
  await expect.poll(() => document.querySelector("svg.graph .graph-node.current")).not.toBeNull();
  const area = document.querySelector<HTMLElement>(".graph-scroll") ?? document.body;
  const isInside = () => {
    const { left = -1, right = Infinity } =
      document.querySelector(".graph-node.current")?.getBoundingClientRect() ?? {};
    const pane = area.getBoundingClientRect();
    return left >= pane.left && right <= pane.right;
  };
  await expect.poll(isInside).toBe(true);

  area.style.width = "400px";

  await expect.poll(isInside).toBe(true);

  // Scrolled back by the browser, because there is less to scroll.
  area.style.width = "1100px";

  await expect.poll(isInside).toBe(true);

  area.dispatchEvent(new WheelEvent("wheel", { deltaX: -1 }));
  area.scrollTo({ left: 0 });
  area.style.width = "500px";
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

  expect(area.scrollLeft).toBe(0);
});

it("draws what a stack took strong and thick, what follows a failure dashed, and says it in the table", async () => {
  await page.viewport(1_200, 900);
  const state = (id: string) => ({ kind: "state" as const, id, terminal: false, tasks: [], reachable: true });
  const graph = {
    nodes: [state("BUILD"), state("LIVE"), state("BROKEN")],
    edges: [
      { from: "BUILD", to: "LIVE", event: "NEXT", passing: false },
      { from: "BUILD", to: "BROKEN", event: "FAILED", passing: false },
    ],
  };
  const taken = { edges: [4, 0], states: new Map([["LIVE", 4]]) };
  await render(<GraphPanel graph={graph} label="Graph" taken={taken} states={{ LIVE: { note: "4 times" } }} />);

  await expect.poll(() => document.querySelectorAll("svg.graph .graph-edge").length).toBe(2);

  const [next, failed] = [...document.querySelectorAll(".graph-edge")];
  expect([next?.classList.contains("taken"), failed?.classList.contains("after-failure")]).toEqual([true, true]);
  expect(next?.querySelector("path")?.getAttribute("stroke-width")).toBe("3");
  expect([...document.querySelectorAll(".graph-label")].map(({ textContent }) => textContent)).toEqual([
    "NEXTNEXT taken 4×",
    "FAILED",
  ]);
  await expect.element(page.getByText(/thicker when often/)).toBeVisible();

  await page.getByRole("button", { name: "Table" }).click();

  await expect.element(page.getByText("4×")).toBeVisible();
  await expect.element(page.getByText("4 times")).toBeVisible();
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
