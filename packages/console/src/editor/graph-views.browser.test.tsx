import { EditorView } from "@codemirror/view";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { userEvent } from "vitest/browser";
import { MACHINE, openWorkbench, selectState, textOf } from "./testing/open-workbench.tsx";

const WITH_TASK = `${MACHINE.replace("after:", "tasks: [app]\n    after:")}tasks:\n  app: { executor: lambda }\n`;

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
  const { screen } = await openWorkbench(MACHINE, { second, mode: "diff" });

  await expect.element(screen.getByTestId("rf__node-NEW").getByText("− NEW")).toBeVisible();
  await expect.element(screen.getByTestId("rf__node-LIVE").getByText("~ LIVE")).toBeVisible();
  await expect.element(screen.getByText("− OPENED")).toBeVisible();
  await expect.element(screen.getByText(/Compared with "shop newest"/)).toBeVisible();
  await screen.getByRole("button", { name: /^Diff/ }).click();
  await expect.element(screen.getByTestId("rf__node-NEW")).not.toBeInTheDocument();
});

it("exports the graph with states where they were moved to", async () => {
  const moved = { LIVE: { x: 1_000, y: 700 } };
  localStorage.setItem("stackyard-layouts", JSON.stringify([["file review-app.yaml", moved]]));
  const { screen } = await openWorkbench(MACHINE);
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeInTheDocument();
  const downloaded = catchDownload();

  await screen.getByRole("button", { name: "More actions" }).click();
  await screen.getByRole("button", { name: "Export" }).click();
  await screen.getByRole("button", { name: "SVG" }).click();

  const box = /<rect x="([\d.]+)" y="([\d.]+)"[^>]*>(?:(?!<rect).)*LIVE/s.exec(await downloaded);
  expect([Number(box?.[1]), Number(box?.[2])]).toEqual([expect.closeTo(1_000, -2), expect.closeTo(700, -1)]);
});

it.each([360, 390])("has room for one pane at a time on a phone of %d px, and cuts nothing off", async (width) => {
  const { screen } = await openWorkbench(MACHINE, { width });
  await selectState(screen, "LIVE");
  const area = () => document.scrollingElement ?? document.body;
  const isShown = (pane: string) => document.querySelector(pane)?.checkVisibility();
  await expect.element(screen.getByRole("heading", { name: "LIVE" })).toBeVisible();
  expect([area().scrollWidth, area().scrollHeight]).toEqual([width, 800]);
  expect(isShown(".text-pane")).toBe(false);

  await screen.getByRole("button", { name: "Show in text" }).click();

  await expect.poll(textOf).toContain("LIVE:");
  expect([isShown(".text-pane"), isShown(".of-graph")]).toEqual([true, false]);
  await expect.element(screen.getByRole("button", { name: "Text" })).toHaveAttribute("aria-pressed", "true");
  await expect.element(screen.getByRole("button", { name: "Split" })).not.toBeInTheDocument();
  await screen.getByRole("button", { name: "Simulate" }).click();
  await screen.getByRole("button", { name: "OPENED", exact: true }).click();
  await expect.element(screen.getByText(/1 of 2 reactions tried/)).toBeVisible();
  expect([area().scrollWidth, area().scrollHeight]).toEqual([width, 800]);
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

const boxOf = (selector: string) => document.querySelector(selector)?.getBoundingClientRect() ?? new DOMRect();

it("is one frame as high as the window: text, graph and the fields of what is selected", async () => {
  const { screen } = await openWorkbench(MACHINE);
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();
  await expect.element(screen.getByRole("region", { name: /State|Machine/ })).not.toBeInTheDocument();
  await selectState(screen, "LIVE");
  await expect.element(screen.getByRole("region", { name: "State LIVE" })).toBeVisible();

  const [text, graph, form, frame] = [".text-pane", ".canvas", ".inspector", ".workbench-panes"].map(boxOf);

  expect(text?.right).toBeLessThan(graph?.left ?? 0);
  expect(graph?.right).toBeLessThanOrEqual(form?.left ?? 0);
  for (const part of [text, graph, form]) expect(part?.height).toBeCloseTo((frame?.height ?? 0) - 2, 0);
  expect(frame?.height).toBeGreaterThan(640);
  expect(document.scrollingElement?.scrollHeight).toBe(800);
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

it("has the time after which a state is left in its box", async () => {
  const timed = MACHINE.replace("    on: { OPENED: LIVE }", "    timeout: 30m\n    on: { OPENED: LIVE }");
  const { screen } = await openWorkbench(timed);

  await expect.element(screen.getByTestId("rf__node-INIT").getByText("30m")).toBeVisible();
  await expect.element(screen.getByTestId("rf__node-LIVE").getByText("72h")).toBeVisible();
  const [name, note] = ["graph-name", "graph-note"].map((part) =>
    document.querySelector(`[data-testid=rf__node-INIT] .${part}`)?.getBoundingClientRect(),
  );
  expect(note?.left).toBeGreaterThan(name?.right ?? Number.POSITIVE_INFINITY);
});

it("draws the way that a simulation took strong, and lists its steps with their instants", async () => {
  const { screen } = await openWorkbench(MACHINE, { mode: "simulation" });
  await screen.getByRole("button", { name: "OPENED", exact: true }).click();

  await expect.poll(() => document.querySelectorAll(".canvas .graph-edge.taken").length).toBe(1);
  await expect.element(screen.getByTestId("rf__node-LIVE").getByText("1×")).toBeVisible();
  const been = () => [...document.querySelectorAll(".graph-node.been .graph-name")].map((name) => name.textContent);
  await expect.poll(been).toEqual(["INIT"]);
  await expect.poll(() => document.querySelector(".graph-node.current .graph-name")?.textContent).toBe("LIVE");
  const steps = screen.getByRole("list", { name: "Steps" });
  await expect.element(steps.getByText("OPENED")).toBeVisible();
  await expect.element(steps.getByText("00:00")).toBeVisible();
  expect(document.querySelector(".text-pane")?.checkVisibility()).toBe(false);
  await screen.getByRole("button", { name: "Close simulation" }).click();
  expect(document.querySelector(".text-pane")?.checkVisibility()).toBe(true);
});

it("takes a blue arrow of the graph, and a timer of the line of time, when it is pressed", async () => {
  const { screen } = await openWorkbench(MACHINE, { mode: "simulation" });
  const possible = () => [...document.querySelectorAll(".graph-label.possible")].map(({ textContent }) => textContent);
  await expect.poll(possible).toEqual(["OPENED"]);

  document
    .querySelector<SVGTextElement>(".graph-label.possible")
    ?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  await expect.element(screen.getByText("1 of 2 reactions tried", { exact: false })).toBeVisible();
  await expect.poll(() => possible().map((text) => text?.replace(/ .*/, ""))).toEqual(["MERGED"]);
  await screen.getByRole("button", { name: "1 reaction not tried" }).click();
  await expect.element(screen.getByRole("list", { name: "Reactions not tried" }).getByText(/MERGED/)).toBeVisible();
  expect(document.querySelectorAll(".line-untried")).toHaveLength(1);
  await screen.getByRole("button", { name: "1 reaction not tried" }).click();
  expect(document.querySelectorAll(".line-untried")).toHaveLength(0);
  await screen.getByRole("button", { name: "Let time pass to MERGED at 3 d 00:00" }).click();

  await expect.element(screen.getByText("2 of 2 reactions tried", { exact: false })).toBeVisible();
  await expect.poll(possible).toEqual(["OPENEDOPENED taken 1×"]);
});

it("marks a task that is selected in the graph", async () => {
  const { screen } = await openWorkbench(WITH_TASK);
  const selected = () => [...document.querySelectorAll(".graph-task.selected")].map((task) => task.textContent);
  await expect.element(screen.getByTestId("rf__node-LIVE").getByText("app")).toBeVisible();
  expect(selected()).toEqual([]);

  await screen.getByTestId("rf__node-LIVE").getByText("app").click();

  await expect.poll(selected).toEqual(["app"]);
});

it.each([360, 390])("has a head of two rows on a phone of %d px", async (width) => {
  const { screen } = await openWorkbench(MACHINE, { width });
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();

  const shown = [...document.querySelectorAll(".editor-head :is(h1, button)")].filter((part) => part.checkVisibility());
  const tops = shown.map((part) => part.getBoundingClientRect().top);
  expect(shown.length).toBeGreaterThan(6);
  expect(Math.max(...tops) - Math.min(...tops)).toBeLessThan(60);
});

it("has the time of a simulation below the graph on a phone, with nothing under it", async () => {
  const { screen } = await openWorkbench(MACHINE, { width: 390, mode: "simulation" });
  await screen.getByRole("button", { name: "OPENED", exact: true }).click();
  await screen.getByRole("button", { name: "Graph", exact: true }).click();
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();
  const boxOf = (part: string) => document.querySelector(part)?.getBoundingClientRect();

  expect(boxOf(".canvas")?.bottom).toBeLessThanOrEqual(boxOf(".clock-bar")?.top ?? 0);
  expect(boxOf(".clock-now")?.right).toBeLessThanOrEqual(boxOf(".clock-track > button")?.left ?? 0);
  const heads = [...document.querySelectorAll(".editor-actions > *")].map((part) => part.getBoundingClientRect().top);
  expect(Math.max(...heads) - Math.min(...heads)).toBeLessThan(60);
});

it("shows the part at the cursor, marked in the text and blue in the graph, until Esc", async () => {
  const { screen } = await openWorkbench(MACHINE);
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();
  const marked = () => [...document.querySelectorAll(".cm-marked")].map(({ textContent }) => textContent?.trim());

  const text = EditorView.findFromDOM(document.querySelector<HTMLElement>(".cm-editor") ?? document.body);
  text?.dispatch({ selection: { anchor: MACHINE.indexOf("OPENED: LIVE") + 2 } });
  await expect.element(screen.getByRole("region", { name: "Reaction OPENED of INIT" })).toBeVisible();
  await expect.poll(marked).toEqual(["on: { OPENED: LIVE } # begins"]);
  await expect.poll(() => document.querySelectorAll(".line-chosen").length).toBe(1);
  await selectState(screen, "LIVE");
  await expect.element(screen.getByRole("region", { name: "State LIVE" })).toBeVisible();
  await expect.poll(() => marked()[0]).toBe("LIVE:");
  expect(marked()).toHaveLength(3);
  await userEvent.keyboard("{Escape}");

  await expect.element(screen.getByRole("region", { name: "State LIVE" })).not.toBeInTheDocument();
  await expect.poll(marked).toEqual([]);
});

function zoomOf(): number {
  return new DOMMatrix(getComputedStyle(document.querySelector(".react-flow__viewport") ?? document.body).transform).a;
}

it("turns a graph to the direction in which it can be read, and stays once a person has zoomed", async () => {
  const { screen } = await openWorkbench(chainOf(8));
  const boxOfState = (name: string) => boxOf(`[data-id="${name}"]`);
  await expect.element(screen.getByTestId("rf__node-S8")).toBeInTheDocument();
  await expect.poll(() => boxOfState("S1").top > boxOfState("INIT").bottom).toBe(true);
  expect(Math.min(...sizesOfTexts())).toBeGreaterThanOrEqual(11.99);

  await screen.getByRole("button", { name: "Draw to the right" }).click();
  await expect.poll(() => boxOfState("S1").left > boxOfState("INIT").right).toBe(true);
  await screen.getByRole("button", { name: "Closer" }).click();
  await expect.poll(zoomOf).toBeGreaterThan(1.1);
  const zoom = zoomOf();
  await screen.getByRole("button", { name: "Graph", exact: true }).click();
  await new Promise((resolve) => setTimeout(resolve, 400));

  expect(zoomOf()).toBe(zoom);
});
