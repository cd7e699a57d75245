import { EditorView } from "@codemirror/view";
import { beforeEach, describe, expect, it } from "vitest";
import { openWorkbench } from "./testing/open-workbench.tsx";

beforeEach(() => localStorage.clear());

const STATES = Array.from({ length: 8 }, (_, index) => `S${index + 1}`);

const CHAIN = `version: 2
events: [GO]
states:
  INIT: { on: { GO: S1 } }
${STATES.map((name, index) => `  ${name}: ${index === 7 ? "{ terminal: true }" : `{ on: { GO: S${index + 2} } }`}`).join("\n")}
`;

const viewport = () => getComputedStyle(document.querySelector(".react-flow__viewport") ?? document.body).transform;

const settle = () => new Promise((resolve) => setTimeout(resolve, 400));

async function openZoomed() {
  const { screen } = await openWorkbench(CHAIN);
  await expect.element(screen.getByTestId("rf__node-S8")).toBeInTheDocument();
  await screen.getByRole("button", { name: "Closer" }).click();
  await settle();
  return screen;
}

function editorView(): EditorView {
  const view = EditorView.findFromDOM(document.querySelector<HTMLElement>(".cm-editor") ?? document.body);
  if (view === null) throw new Error("There is no editor.");
  return view;
}

describe("what a person has zoomed to stays", () => {
  it("when a state is selected, and no longer (OpenFn/lightning#4327)", async () => {
    const screen = await openZoomed();
    const before = new DOMMatrix(viewport()).a;

    await screen.getByTestId("rf__node-INIT").click();
    await expect.element(screen.getByRole("region", { name: "State INIT" })).toBeVisible();
    await settle();

    expect(new DOMMatrix(viewport()).a).toBe(before);
  });

  it("when the text is typed into (topolograph#38)", async () => {
    await openZoomed();
    const before = viewport();

    const view = editorView();
    view.dispatch({ changes: { from: view.state.doc.length, insert: "# end\n" } });
    await settle();

    expect(viewport()).toBe(before);
  });

  it("when a pane is hidden and comes back (studio-json-schema#128)", async () => {
    const screen = await openZoomed();
    const before = new DOMMatrix(viewport()).a;

    await screen.getByRole("button", { name: "Graph", exact: true }).click();
    await settle();
    await screen.getByRole("button", { name: "Split", exact: true }).click();
    await settle();

    expect(new DOMMatrix(viewport()).a).toBe(before);
  });
});

describe("a graph that nobody has zoomed", () => {
  it("fits its pane again when the pane changes (studio-json-schema#94, breadboard#1373)", async () => {
    const { screen } = await openWorkbench(CHAIN);
    await expect.element(screen.getByTestId("rf__node-S8")).toBeInTheDocument();
    await settle();
    const before = viewport();

    await screen.getByRole("button", { name: "Graph", exact: true }).click();
    await expect.poll(viewport).not.toBe(before);

    const pane = document.querySelector(".canvas")?.getBoundingClientRect() ?? new DOMRect();
    const first = screen.getByTestId("rf__node-INIT").element().getBoundingClientRect();
    expect(first.left).toBeGreaterThanOrEqual(pane.left);
    expect(first.top).toBeGreaterThanOrEqual(pane.top);
  });

  it("comes back by Fit to where it was opened (elastic/kibana#276986)", async () => {
    const { screen } = await openWorkbench(CHAIN);
    await expect.element(screen.getByTestId("rf__node-S8")).toBeInTheDocument();
    await settle();
    const opened = viewport();

    await screen.getByRole("button", { name: "Closer" }).click();
    await expect.poll(viewport).not.toBe(opened);
    await screen.getByRole("button", { name: "Fit the graph" }).click();

    await expect.poll(viewport).toBe(opened);
  });
});

const GUARDED = `version: 2
events:
  GO: { metadata: [sha] }
  PICK: {}
metadata: { sha: { type: string } }
states:
  INIT:
    on: { GO: A }
  A:
    on:
      PICK:
        - { when: "metadata.sha == 'no'", action: advance, state: B }
        - { action: advance, state: C }
  B: {}
  C: {}
`;

describe("what can happen in a simulation", () => {
  const possible = () =>
    [...document.querySelectorAll(".graph-label.possible")].map(({ textContent }) => textContent?.replace(/ .*/, ""));

  const press = (index: number) =>
    document
      .querySelectorAll<SVGTextElement>(".graph-label.possible")
      [index]?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));

  it("asks for what an event must bring when its arrow is pressed (xstate-catalogue#6, xstate-viz#294)", async () => {
    const { screen } = await openWorkbench(GUARDED, { mode: "simulation" });
    await expect.poll(possible).toEqual(["GO"]);

    press(0);

    await expect.element(screen.getByRole("textbox", { name: "sha *" })).toBeVisible();
  });

  it("takes no arrow whose condition is false (xstate-tools#106, xstate-tools#20)", async () => {
    const { screen } = await openWorkbench(GUARDED, { mode: "simulation" });
    await expect.poll(possible).toEqual(["GO"]);
    press(0);
    await screen.getByRole("textbox", { name: "sha *" }).fill("yes");
    await screen.getByRole("button", { name: /^Send/ }).click();

    await expect.poll(possible).toEqual(["PICK"]);
    press(0);

    await expect.poll(() => document.querySelector(".graph-node.current .graph-name")?.textContent).toBe("C");
  });
});
