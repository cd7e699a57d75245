import { beforeEach, expect, it, onTestFinished } from "vitest";
import { userEvent } from "vitest/browser";
import { MACHINE, openWorkbench, selectState, textOf } from "./testing/open-workbench.tsx";

beforeEach(() => localStorage.clear());

/** Catches what is downloaded next. */
function catchDownload(): Promise<string> {
  const { createObjectURL } = URL;
  onTestFinished(() => {
    URL.createObjectURL = createObjectURL;
  });
  return new Promise((resolve) => {
    URL.createObjectURL = (content) => {
      if (content instanceof Blob) resolve(content.text());
      return "blob:none";
    };
  });
}

it("marks in the graph what differs from another revision, with what is gone", async () => {
  const text = MACHINE.replace("MERGED: GONE }", "MERGED: GONE, OPENED: NEW }\n  NEW:\n    on: { MERGED: GONE }");
  const second = { file: "shop newest", name: "shop", text };
  const { screen } = await openWorkbench(MACHINE, { second, tab: "diff" });

  await expect.element(screen.getByTestId("rf__node-NEW").getByText("− NEW")).toBeVisible();
  await expect.element(screen.getByTestId("rf__node-LIVE").getByText("~ LIVE")).toBeVisible();
  await expect.element(screen.getByText("− OPENED")).toBeVisible();
  await expect.element(screen.getByText(/Compared with "shop newest"/)).toBeVisible();
  await screen.getByRole("tab", { name: /Problems/ }).click();
  await expect.element(screen.getByTestId("rf__node-NEW")).not.toBeInTheDocument();
});

it("exports the graph with states where they were moved to", async () => {
  const moved = { LIVE: { x: 1_000, y: 700 } };
  localStorage.setItem("stackyard-layouts", JSON.stringify([["file review-app.yaml", moved]]));
  const { screen } = await openWorkbench(MACHINE);
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeInTheDocument();
  const downloaded = catchDownload();

  await screen.getByRole("button", { name: "Export" }).click();
  await screen.getByRole("button", { name: "SVG" }).click();

  const box = /<rect x="([\d.]+)" y="([\d.]+)"[^>]*>(?:(?!<rect).)*LIVE/s.exec(await downloaded);
  expect([Number(box?.[1]), Number(box?.[2])]).toEqual([expect.closeTo(1_000, -2), expect.closeTo(700, -1)]);
});

it("has room for text or graph on a phone, and cuts nothing off", async () => {
  const { screen } = await openWorkbench(MACHINE, { width: 360 });
  await selectState(screen, "LIVE");
  const area = () => document.scrollingElement ?? document.body;
  await expect.element(screen.getByRole("heading", { name: "LIVE" })).toBeVisible();
  expect(area().scrollWidth).toBe(360);
  expect(document.querySelector(".text-pane")?.checkVisibility()).toBe(false);

  await screen.getByRole("button", { name: "Show in text" }).click();

  await expect.poll(textOf).toContain("LIVE:");
  expect(document.querySelector(".text-pane")?.checkVisibility()).toBe(true);
  await expect.element(screen.getByRole("tab", { name: "Text" })).toHaveAttribute("aria-selected", "true");
  await screen.getByRole("tab", { name: "Simulation" }).click();
  await screen.getByRole("button", { name: "Send" }).click();
  await expect.element(screen.getByText(/1 of 2 reactions tried/)).toBeVisible();
  expect(area().scrollWidth).toBe(360);
});

/** A machine of as many states in a row. */
function chainOf(count: number): string {
  const states = Array.from(
    { length: count },
    (_, n) => `  ${n === 0 ? "INIT" : `S${n}`}: { on: { GO: S${n + 1} } }\n`,
  );
  return `version: 2\nevents: [GO]\nstates:\n${states.join("")}  S${count}: {}\n`;
}

function sizesOfTexts(): readonly number[] {
  return [...document.querySelectorAll<SVGTextElement>(".canvas text")].map((text) => {
    const scale = text.getScreenCTM()?.a ?? 0;
    return Number.parseFloat(getComputedStyle(text).fontSize) * scale;
  });
}

it.each([1280, 390])("begins with a readable graph at its start, at a width of %d", async (width) => {
  const { screen } = await openWorkbench(chainOf(30), { width });

  await expect.element(screen.getByTestId("rf__node-INIT")).toBeInViewport();
  expect(sizesOfTexts().length).toBeGreaterThan(30);
  expect(Math.min(...sizesOfTexts())).toBeGreaterThanOrEqual(11.99);
});

it("shows the graph first and largest, with the form beside it", async () => {
  const { screen } = await openWorkbench(MACHINE);
  await selectState(screen, "LIVE");
  await expect.element(screen.getByRole("region", { name: "State LIVE" })).toBeVisible();

  const boxOf = (selector: string) => document.querySelector(selector)?.getBoundingClientRect() ?? new DOMRect();
  const [graph, form, text] = [".canvas", ".inspector", ".text-pane"].map(boxOf);

  expect(graph?.left).toBeLessThan(form?.left ?? 0);
  for (const other of [form, text]) {
    expect((graph?.width ?? 0) * (graph?.height ?? 0)).toBeGreaterThan(2 * (other?.width ?? 0) * (other?.height ?? 0));
  }
});

it("opens the form of a state by keyboard on a phone", async () => {
  const { screen } = await openWorkbench(MACHINE, { width: 390 });
  const node = screen.getByTestId("rf__node-INIT");
  await expect.element(node).toBeVisible();
  node.element().focus();

  await userEvent.keyboard("{ArrowDown}{Enter}");

  await expect.element(screen.getByRole("checkbox", { name: "Terminal" })).toHaveFocus();
  await expect.element(screen.getByRole("heading", { name: "LIVE" })).toBeInViewport();
});

it("draws the way that a simulation took strong, and lists its steps as a history", async () => {
  const { screen } = await openWorkbench(MACHINE, { tab: "simulation" });
  await screen.getByRole("button", { name: "Send" }).click();

  await expect.poll(() => document.querySelectorAll(".canvas .graph-edge.taken").length).toBe(1);
  await expect.element(screen.getByTestId("rf__node-LIVE").getByText("once")).toBeVisible();
  await expect.poll(() => document.querySelector(".graph-node.current .graph-name")?.textContent).toBe("LIVE");
  const steps = screen.getByRole("region", { name: "Steps" });
  for (const header of ["At", "Event", "State", "Task", "Why", "By"]) {
    await expect.element(steps.getByRole("columnheader", { name: header, exact: true })).toBeVisible();
  }
});
