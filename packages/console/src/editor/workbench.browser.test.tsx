import { EditorView } from "@codemirror/view";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { machineClient } from "../machine/machine-client.ts";
import { drafts } from "./kept.ts";
import { createSession } from "./session.ts";
import { MACHINE, openWorkbench as open, openMachineFields, selectState, textOf } from "./testing/open-workbench.tsx";

beforeEach(() => localStorage.clear());
afterEach(() => vi.restoreAllMocks());

it("draws the states with start and end, and says that no problem was found", { tags: "page" }, async () => {
  const { screen } = await open(MACHINE);

  await expect.element(screen.getByTestId("rf__node-INIT")).toBeVisible();
  await expect.element(screen.getByTestId("rf__node-GONE")).toBeVisible();
  expect(document.querySelectorAll(".marker-node")).toHaveLength(2);
  await expect.element(screen.getByText("Valid")).toBeVisible();
  await expect.element(screen.getByRole("list", { name: "Problems" })).not.toBeInTheDocument();
});

it("renames a state by F2 in text and graph, as one step with a name to undo", async () => {
  const { screen } = await open(MACHINE);
  await selectState(screen, "LIVE");

  await userEvent.keyboard("{F2}");
  await userEvent.keyboard("UP{Enter}");

  await expect.element(screen.getByTestId("rf__node-UP")).toBeVisible();
  expect(textOf()).toContain("on: { OPENED: UP } # begins");
  await expect.element(screen.getByRole("button", { name: "Redo" })).toHaveAttribute("aria-disabled", "true");
  await screen.getByRole("button", { name: "Undo rename LIVE" }).click();
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();
  expect(textOf()).toBe(MACHINE);
  await screen.getByRole("button", { name: "Redo" }).click();
  await expect.element(screen.getByTestId("rf__node-UP")).toBeVisible();
});

it("applies an edit to the text as it is when the text changed while the edit was planned", async () => {
  const { screen } = await open(MACHINE);
  await selectState(screen, "LIVE");
  const { run } = machineClient;
  let hasTyped = false;
  vi.spyOn(machineClient, "run").mockImplementation((kind, input) => {
    const answer = run(kind, input);
    if (kind !== "plan" || hasTyped) return answer;
    hasTyped = true;
    const view = EditorView.findFromDOM(document.querySelector<HTMLElement>(".cm-editor") ?? document.body);
    view?.dispatch({ changes: { from: 0, insert: "# Typed meanwhile.\n" } });
    return answer;
  });

  await userEvent.keyboard("{F2}");
  await userEvent.keyboard("UP{Enter}");

  await expect.element(screen.getByTestId("rf__node-UP")).toBeVisible();
  expect(textOf()).toContain("# Typed meanwhile.");
});

it("counts warnings at a state without the color of errors", async () => {
  const { screen } = await open(`${MACHINE.replace("OPENED: LIVE", "OPENED: no-op")}`);

  const count = screen.getByTestId("rf__node-LIVE").getByTitle("1 problem");
  await expect.element(count).toBeVisible();
  await expect.element(count).toHaveClass("state-problems", { exact: true });
});

it("keeps the focus at a state of the graph that is renamed, and moves it to the one before a deleted one", async () => {
  const { screen } = await open(MACHINE);
  await selectState(screen, "LIVE");

  await userEvent.keyboard("{F2}");
  await userEvent.keyboard("UP{Enter}");
  await expect.element(screen.getByTestId("rf__node-UP")).toHaveFocus();
  await userEvent.keyboard("{Delete}");
  await screen.getByRole("dialog").getByRole("button", { name: "Delete" }).click();

  await expect.element(screen.getByTestId("rf__node-INIT")).toHaveFocus();
});

it("keeps the focus in the form when a name is renamed or deleted there", async () => {
  const { screen } = await open(MACHINE);

  await openMachineFields(screen);
  await screen.getByRole("button", { name: "Rename MERGED" }).click();
  await userEvent.keyboard("CLOSED{Enter}");
  await expect.element(screen.getByRole("button", { name: "Rename CLOSED" })).toHaveFocus();
  await screen.getByRole("button", { name: "Delete CLOSED" }).click();
  await screen.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect.element(screen.getByRole("heading", { name: "Machine" })).toHaveFocus();

  await selectState(screen, "LIVE");
  await screen.getByRole("button", { name: "Rename", exact: true }).click();
  await userEvent.keyboard("UP{Enter}");
  await expect.element(screen.getByRole("region", { name: "State UP" })).toBeVisible();
  await expect.element(screen.getByRole("button", { name: "Rename", exact: true })).toHaveFocus();
  await screen.getByRole("button", { name: "Delete", exact: true }).click();
  await screen.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect.poll(textOf).not.toContain("UP");
  await expect.poll(() => document.activeElement?.matches("h1 button")).toBe(true);
});

it("changes the keys of a task, each as one step that leaves the rest of its line", async () => {
  const { screen } = await open(
    `${MACHINE.replace("after:", "tasks: [app]\n    after:")}tasks:\n  app: { executor: lambda, retry: { only: [E] } } # it\n`,
  );
  await selectState(screen, "LIVE");

  await screen.getByLabelText("Executor of app").fill("ecs");
  await userEvent.keyboard("{Enter}");
  await expect.poll(textOf).toContain("app: { executor: ecs, retry: { only: [E] } } # it");
  await screen.getByLabelText("Timeout of app").fill("5m");
  await userEvent.keyboard("{Enter}");
  await expect.poll(textOf).toContain("timeout: 5m } # it");
  await screen.getByLabelText("Attempts of retry of app").fill("3");
  await userEvent.keyboard("{Enter}");

  await expect.poll(textOf).toContain("retry: { only: [E], attempts: 3 }, timeout: 5m } # it");
  await screen.getByLabelText("Attempts of retry of app").fill("thrice");
  await userEvent.keyboard("{Enter}");
  await screen.getByRole("button", { name: /\d errors?/ }).click();
  await expect.element(screen.getByRole("list", { name: "Problems" }).getByText(/it is "thrice"/)).toBeVisible();
  await screen.getByRole("button", { name: "Undo attempts of retry of app" }).click();
  await expect.element(screen.getByRole("button", { name: "Undo attempts of retry of app" })).toBeVisible();
});

it("moves over the states by arrow keys and deletes one with what refers to it", async () => {
  const { screen } = await open(MACHINE);
  await selectState(screen, "INIT");

  await userEvent.keyboard("{ArrowDown}");
  await userEvent.keyboard("{Delete}");
  await expect.element(screen.getByText("states.INIT.on")).toBeVisible();
  await screen.getByRole("dialog").getByRole("button", { name: "Delete" }).click();

  await expect.poll(textOf).toContain("INIT: {}");
  expect(textOf()).not.toContain("LIVE");
});

it("keeps the last valid graph while the text has errors, and lists them with their places", async () => {
  const { screen } = await open(MACHINE.replace("OPENED: LIVE", "OPENED: LIFE"));

  await expect.element(screen.getByText("The graph is drawn as soon as the text is a valid machine.")).toBeVisible();
  await expect.element(screen.getByText("1 problem", { exact: true })).toBeVisible();
  await screen.getByRole("button", { name: "1 error" }).click();
  await expect.element(screen.getByRole("list", { name: "Problems" }).getByText(/LIFE/)).toBeVisible();
});

it("needs no pointer: keys act on the focused state", async () => {
  const { screen } = await open(MACHINE);
  const node = screen.getByTestId("rf__node-INIT");
  await expect.element(node).toBeVisible();
  node.element().focus();

  await userEvent.keyboard("{ArrowDown}{Enter}");
  await expect.element(screen.getByRole("checkbox", { name: "Terminal" })).toHaveFocus();
  await expect.element(screen.getByRole("region", { name: "State LIVE" })).toBeVisible();
  screen.getByTestId("rf__node-LIVE").element().focus();
  await userEvent.keyboard("c");
  await screen.getByRole("dialog").getByLabelText("Event").fill("OPENED");
  await userEvent.keyboard("{Enter}");

  await expect.poll(textOf).toContain("on: { MERGED: GONE, OPENED: INIT }");
  await expect.element(screen.getByTestId("rf__node-LIVE")).toHaveFocus();
});

it("changes, adds and deletes timers, each as one step", async () => {
  const { screen } = await open(MACHINE);
  await selectState(screen, "LIVE");
  const field = (name: string) => screen.getByLabelText(name, { exact: true });

  await field("In of 1 of after").fill("1h");
  await userEvent.keyboard("{Enter}");
  await expect.poll(textOf).toContain("after: [{ in: 1h, event: MERGED }]");
  await field("In, at or cron of 1 of after").selectOptions("Cron");
  await expect.element(screen.getByText("A value replaces in: 1h.")).toBeVisible();
  await field("Cron of 1 of after").fill("0 3 * * *");
  await userEvent.keyboard("{Enter}");
  await expect.poll(textOf).toContain('after: [{ cron: "0 3 * * *", event: MERGED }]');
  await field("Zone of 1 of after").fill("Europe/Berlin");
  await userEvent.keyboard("{Enter}");
  await expect.poll(textOf).toContain('{ cron: "0 3 * * *", event: MERGED, zone: Europe/Berlin }');
  await screen.getByRole("button", { name: "Add entry to after of LIVE" }).click();
  await expect.element(field("In, at or cron of 2 of after")).toHaveFocus();
  await field("In of 2 of after").fill("5m");
  await userEvent.keyboard("{Tab}MER");
  await expect.poll(textOf).toContain("zone: Europe/Berlin }, { in: 5m }]");
  await userEvent.keyboard("GED{Enter}");
  await expect.poll(textOf).toContain("zone: Europe/Berlin }, { in: 5m, event: MERGED }]");
  await screen.getByRole("button", { name: "Remove 1 of after of LIVE" }).click();

  await expect.poll(textOf).toContain("after: [{ in: 5m, event: MERGED }]");
});

it("lets a reaction have a condition, raise an event and set metadata", async () => {
  const { screen } = await open(MACHINE.replace("states:", "metadata: { drifted: { type: boolean } }\nstates:"));
  await selectState(screen, "INIT");

  await screen.getByLabelText("When of OPENED").fill("ture");
  await userEvent.keyboard("{Enter}");
  await expect.poll(textOf).toContain("OPENED: [{ when: ture, action: advance, state: LIVE }]");
  await expect.element(screen.getByLabelText("When of OPENED")).toHaveAccessibleDescription(/"ture"/);
  await screen.getByLabelText("When of OPENED").fill("");
  await userEvent.keyboard("{Enter}");
  await screen.getByRole("button", { name: "What else OPENED does" }).click();
  await screen.getByLabelText("Raise of OPENED").fill("MERGED");
  await userEvent.keyboard("{Enter}");
  await expect.poll(textOf).toContain("OPENED: [{ action: advance, state: LIVE, raise: MERGED }]");
  await screen.getByText("Set of OPENED").click();
  await screen.getByLabelText("New key of set of OPENED of INIT").fill("drifted");
  await userEvent.keyboard("{Enter}");
  await expect.element(screen.getByLabelText("drifted of set of OPENED")).toHaveFocus();
  expect(textOf()).not.toContain("set:");
  await userEvent.keyboard("true{Enter}");
  await expect.poll(textOf).toContain("raise: MERGED, set: { drifted: true } }");
  await screen.getByRole("button", { name: "Remove drifted of set of OPENED of INIT" }).click();
  await screen.getByLabelText("Raise of OPENED").fill("");
  await userEvent.keyboard("{Enter}");

  await expect.poll(textOf).toContain("OPENED: [{ action: advance, state: LIVE }]");
});

it("keeps the arrows of the graph through edits", async () => {
  const { screen } = await open(MACHINE);
  const countArrows = () => document.querySelectorAll(".react-flow__edge").length;
  await selectState(screen, "LIVE");
  await expect.poll(countArrows).toBe(4);

  for (const name of ["Protected", "Terminal"]) await screen.getByLabelText(name).click();
  await screen.getByRole("button", { name: "What else MERGED does" }).click();
  await screen.getByLabelText("Raise of MERGED").fill("OPENED");
  await userEvent.keyboard("{Enter}");
  await expect.poll(textOf).toContain("raise: OPENED");
  await screen.getByLabelText("State that MERGED enters").selectOptions("INIT");

  await expect.poll(textOf).toContain("state: INIT, raise");
  await expect.element(screen.getByRole("button", { name: "Undo target of MERGED of LIVE" })).toBeVisible();
  await expect.poll(countArrows).toBe(5);
});

it("explains a refused edit and offers another one", async () => {
  const { screen } = await open(
    MACHINE.replace("on: { OPENED: LIVE }", "on: &on { OPENED: LIVE }").replace(
      "GONE: { terminal: true }",
      "GONE: { terminal: true, on: *on }",
    ),
  );
  await selectState(screen, "INIT");

  await screen.getByLabelText("State that OPENED enters").selectOptions("GONE");
  await expect.element(screen.getByText(/edit-shared/)).toBeVisible();
  await screen.getByRole("button", { name: "Edit shared value (2 places)" }).click();

  await expect.poll(textOf).toContain("on: &on { OPENED: GONE }");
});

it("plays a scenario and counts the reactions that were tried", { tags: "page" }, async () => {
  const { screen } = await open(MACHINE);
  await expect.element(screen.getByTestId("rf__node-INIT")).toBeVisible();
  await screen.getByRole("button", { name: "Simulate" }).click();

  await screen.getByRole("button", { name: "OPENED", exact: true }).click();
  await expect.element(screen.getByText(/1 of 2 reactions tried/)).toBeVisible();
  await screen.getByRole("button", { name: "To MERGED, in 3d" }).click();

  await expect.element(screen.getByText(/2 of 2 reactions tried/)).toBeVisible();
  await expect.element(screen.getByText(/does not exist/)).toBeVisible();
});

it("saves to its home, and lets the user choose when it was changed meanwhile", async () => {
  const saves: string[] = [];
  const home = {
    title: "Save",
    save: async (raw: string) => {
      saves.push(raw);
      return saves.length === 1
        ? ({ kind: "conflict", theirs: "version: 2\nstates: { INIT: {} }\n" } as const)
        : ({ kind: "saved" } as const);
    },
  };
  const { screen } = await open(MACHINE.replaceAll("\n", "\r\n"), { home });
  await selectState(screen, "GONE");
  await screen.getByLabelText("Protected").click();
  await expect.element(screen.getByRole("button", { name: "Undo protected of GONE" })).toBeVisible();

  await screen.getByRole("button", { name: "Save", exact: true }).click();
  await screen.getByRole("button", { name: "Overwrite" }).click();

  await expect.element(screen.getByText("Saved review-app.yaml")).toBeVisible();
  expect(saves[1]).toContain("GONE: { terminal: true, protected: true }\r\n");
});

it("keeps what was typed just before the editor is left for another page", async () => {
  const { key } = createSession("review-app.yaml", MACHINE);
  const { screen } = await open(MACHINE, { home: { title: "Save", save: async () => ({ kind: "saved" }) as const } });
  const view = EditorView.findFromDOM(document.querySelector<HTMLElement>(".cm-editor") ?? document.body);
  view?.dispatch({ changes: { from: 0, insert: "# mine\n" } });
  await expect.element(screen.getByRole("button", { name: /^Undo/ })).not.toHaveAttribute("aria-disabled", "true");

  await screen.unmount();

  expect(drafts.load(key)).toEqual({ text: `# mine\n${MACHINE}`, base: MACHINE });
});

it("no longer offers to discard a draft that was saved: that would bring an old text back", async () => {
  const { key } = createSession("review-app.yaml", MACHINE);
  drafts.save(key, { text: MACHINE.replace("72h", "48h"), base: MACHINE });
  const home = { title: "Save", save: async () => ({ kind: "saved" }) as const };
  const { screen } = await open(MACHINE, { home });
  await expect.element(screen.getByText("Your draft of an earlier visit is open.")).toBeVisible();

  await screen.getByRole("button", { name: "Save", exact: true }).click();

  await expect.element(screen.getByText("Saved review-app.yaml")).toBeVisible();
  await expect.element(screen.getByRole("button", { name: "Discard it" })).not.toBeInTheDocument();
});

it("shows both texts when the document was changed since the draft of an earlier visit, also at the next visit", async () => {
  const { key } = createSession("review-app.yaml", MACHINE);
  const mine = MACHINE.replace("72h", "48h");
  drafts.save(key, { text: mine, base: MACHINE.replace("72h", "96h") });
  const saves: string[] = [];
  const home = {
    title: "Save",
    save: async (raw: string) => {
      saves.push(raw);
      return { kind: "saved" } as const;
    },
  };
  const { screen } = await open(MACHINE, { home });
  await expect.element(screen.getByText("The document was changed meanwhile.")).toBeVisible();
  await expect.poll(() => screen.getByRole("textbox", { name: "Theirs" }).element().textContent).toContain("72h");
  // Longer than a draft takes to be kept.
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(drafts.load(key)).toEqual({ text: mine, base: MACHINE.replace("72h", "96h") });

  await screen.getByRole("button", { name: "Overwrite" }).click();

  await expect.element(screen.getByText("Saved review-app.yaml")).toBeVisible();
  expect(saves).toEqual([mine]);
  await expect.element(screen.getByText("The document was changed meanwhile.")).not.toBeInTheDocument();
  await expect.poll(() => drafts.load(key)).toBeUndefined();
});

it("takes theirs in place of an outdated draft", async () => {
  const { key } = createSession("review-app.yaml", MACHINE);
  drafts.save(key, { text: MACHINE.replace("72h", "48h"), base: MACHINE.replace("72h", "96h") });
  const { screen } = await open(MACHINE, { home: { title: "Save", save: async () => ({ kind: "saved" }) as const } });

  await screen.getByRole("button", { name: "Take theirs" }).click();

  await expect.element(screen.getByText("The document was changed meanwhile.")).not.toBeInTheDocument();
  await expect.element(screen.getByText("Your draft of an earlier visit is open.")).not.toBeInTheDocument();
  await expect.poll(() => drafts.load(key)).toBeUndefined();
});

it("shows what changed since the machine was opened, as two texts with names", async () => {
  const { screen } = await open(MACHINE);
  await selectState(screen, "GONE");
  await screen.getByLabelText("Protected").click();
  await expect.element(screen.getByRole("button", { name: "Undo protected of GONE" })).toBeVisible();

  await screen.getByRole("button", { name: "Diff: 1 line" }).click();

  const linesOf = (name: string) => screen.getByRole("textbox", { name }).element().textContent;
  await expect.poll(() => linesOf("Now")).toContain("GONE: { terminal: true, protected: true }");
  expect(linesOf("As opened")).toContain("GONE: { terminal: true }");
});

it("has names of one letter that are large enough to press", async () => {
  const { screen } = await open(
    "version: 2\nevents: [A, B]\nstates:\n  INIT: { on: { A: C } }\n  C: { on: { B: INIT } }\n",
  );

  await openMachineFields(screen);
  await expect.element(screen.getByRole("button", { name: "A", exact: true })).toBeVisible();
});

it("explains its keys and marks", async () => {
  const { screen } = await open(MACHINE);

  await screen.getByRole("button", { name: "More actions" }).click();
  await screen.getByRole("button", { name: "Help" }).click();

  await expect.element(screen.getByRole("dialog").getByText("next problem, in the text")).toBeVisible();
});

it("shows names from outside as text", async () => {
  const { screen } = await open(
    'version: 2\nstates:\n  INIT: {}\ntasks:\n  "<img src=x onerror=alert(1)>\\u202e": { executor: x }\n',
  );

  await openMachineFields(screen);
  await expect.element(screen.getByText("<img src=x onerror=alert(1)>‹U+202E›")).toBeVisible();
  expect(document.querySelector("img")).toBeNull();
});

it("hints how to begin with an empty text", async () => {
  const { screen } = await open("");

  await screen.getByRole("button", { name: "Start from a template" }).click();

  await expect.element(screen.getByLabelText("State CLEAN-UP")).toBeVisible();
});

it("lists expressions with a text that equals a renamed name, and changes them on demand", async () => {
  const { screen } = await open(
    MACHINE.replace("OPENED: LIVE", `OPENED: [{ when: "stack.id == 'LIVE'", action: advance, state: LIVE }]`),
  );
  await selectState(screen, "LIVE");

  await userEvent.keyboard("{F2}");
  await expect.element(screen.getByRole("dialog").getByRole("button", { name: "Line 6" })).toBeVisible();
  await screen.getByLabelText("Change these texts too").click();
  await screen.getByRole("dialog").getByLabelText("Name").fill("UP");
  await userEvent.keyboard("{Enter}");

  await expect.poll(textOf).toContain("stack.id == 'UP'");
});

it("lets one tab keep the draft of a document, and another one take it over", async () => {
  const other = new AbortController();
  const lost = navigator.locks
    .request(
      "stackyard-draft file review-app.yaml",
      () => new Promise((resolve) => other.signal.addEventListener("abort", resolve)),
    )
    .catch((error: Error) => error.name);
  const { screen } = await open(MACHINE);
  await selectState(screen, "LIVE");
  await screen.getByLabelText("Protected").click();
  await expect.element(screen.getByText(/open in another tab/)).toBeVisible();

  await screen.getByRole("button", { name: "Keep the draft of this tab" }).click();

  expect(await lost).toBe("AbortError");
  await expect.poll(() => localStorage.getItem("stackyard-drafts")).toContain("protected: true");
  await expect.element(screen.getByText(/open in another tab/)).not.toBeInTheDocument();
  other.abort();
});

it("shows why a document cannot be changed", async () => {
  const { screen } = await open(MACHINE, { readOnly: "Change it in shop.ts" });

  await expect.element(screen.getByText("Read only. Change it in shop.ts.")).toBeVisible();
  await expect
    .element(screen.getByRole("button", { name: "+ State" }))
    .toHaveAccessibleDescription("Change it in shop.ts");
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();
});

// caido#1149, hfs#547, specify7#4673, potpie-ui#196
describe("a text that is typed into a field of a form", () => {
  const WITH_TASK = `${MACHINE.replace("after:", "tasks: [app]\n    after:")}tasks:\n  app: { executor: lambda }\n`;
  const openSaved = async () => {
    const saves: string[] = [];
    const save = async (text: string) => {
      saves.push(text);
      return { kind: "saved" } as const;
    };
    const shown = await open(WITH_TASK, { home: { title: "Save", save } });
    await selectState(shown.screen, "LIVE");
    const field = shown.screen.getByLabelText("Timeout of app");
    await field.fill("5m");
    return { ...shown, saves, field };
  };

  it("counts as a change, which one press of Save takes", async () => {
    const { screen, saves } = await openSaved();
    await expect.element(screen.getByText("1 change, not saved")).toBeVisible();

    await screen.getByRole("button", { name: "Save", exact: true }).click();

    await expect.element(screen.getByText("Saved review-app.yaml")).toBeVisible();
    expect(saves).toEqual([expect.stringContaining("timeout: 5m")]);
  });

  it("is saved by Ctrl S in the field, which the browser does not get", async () => {
    const { screen, saves, field } = await openSaved();
    const press = new KeyboardEvent("keydown", { key: "s", ctrlKey: true, bubbles: true, cancelable: true });

    field.element().dispatchEvent(press);

    expect(press.defaultPrevented).toBe(true);
    await expect.element(screen.getByText("Saved review-app.yaml")).toBeVisible();
    expect(saves).toEqual([expect.stringContaining("timeout: 5m")]);
  });

  it("is in the draft when one leaves for another page, and the browser asks before a reload", async () => {
    const { screen } = await openSaved();
    const { key } = createSession("review-app.yaml", WITH_TASK);
    const reload = new Event("beforeunload", { cancelable: true });
    dispatchEvent(reload);
    expect(reload.defaultPrevented).toBe(true);

    await screen.unmount();

    await expect.poll(() => drafts.load(key)?.text).toContain("timeout: 5m");
    const later = new Event("beforeunload", { cancelable: true });
    dispatchEvent(later);
    expect(later.defaultPrevented).toBe(false);
  });
});

// ComfyUI_frontend#14946, ComfyUI_frontend#13905, jsfiddle-users#1140
it("says that the browser keeps no draft, and lets it ask before a reload", async () => {
  const { screen } = await open(MACHINE);
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("Full", "QuotaExceededError");
  });

  const view = EditorView.findFromDOM(document.querySelector<HTMLElement>(".cm-editor") ?? document.body);
  view?.dispatch({ changes: { from: 0, insert: "# mine\n" } });

  await expect.element(screen.getByText(/This browser keeps no draft/)).toBeVisible();
  const reload = new Event("beforeunload", { cancelable: true });
  dispatchEvent(reload);
  expect(reload.defaultPrevented).toBe(true);
});
